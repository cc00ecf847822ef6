/** Light or dark: as the system has it until somebody chooses. */

import { useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";

const KEY = "steelyard.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === kept) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(readTheme);
  function choose(next: Theme) {
    setTheme(next);
    applyTheme(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It holds until the page is left.
    }
  }
  return [theme, choose];
}
