/** The owner's draft, kept in this browser so that it survives a reload. It holds no secret. */

import { initialValues } from "./fields";
import type { Values } from "./fields";

const KEY = "steelyard.draft";

/** What was typed before, over the defaults. What is no text is left out, whoever put it there. */
export function loadValues(storage: Pick<Storage, "getItem"> = localStorage): Values {
  const values = initialValues();
  try {
    const saved: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    const known = Object.entries(Object(saved) as object).filter(
      ([name, value]) => Object.hasOwn(values, name) && typeof value === "string",
    );
    return { ...values, ...(Object.fromEntries(known) as Record<string, string>) };
  } catch {
    return values;
  }
}

export function saveValues(values: Values, storage: Pick<Storage, "setItem"> = localStorage): void {
  storage.setItem(KEY, JSON.stringify(values));
}

export function forgetValues(storage: Pick<Storage, "removeItem"> = localStorage): void {
  storage.removeItem(KEY);
}
