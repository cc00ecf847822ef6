/** The form's state: what was typed, kept; the draft that it makes; what the backend says of it. */

import { useEffect, useMemo, useState } from "preact/hooks";

import { ApiError, post } from "../api/client";
import type { CheckedDraft } from "../api/schema";
import { readDraft } from "./draft";
import type { Faults, Reading } from "./draft";
import type { Values } from "./fields";
import { loadValues, saveValues } from "./saved";

export interface DraftState {
  readonly values: Values;
  readonly change: (name: string, value: string) => void;
  /** What is wrong with fields that the user has left, or with all of them once `showFaults` was called. */
  readonly faults: Faults;
  readonly leave: (name: string) => void;
  readonly showFaults: () => void;
  readonly reading: Reading;
  /** What the backend found; null while it has not looked at the draft as it is now. */
  readonly checked: CheckedDraft | null;
  /** Everything that the backend has against it. */
  readonly refusals: readonly string[];
}

/** How long nobody has typed before the backend is asked. */
const REST_MILLISECONDS = 400;

export function useDraft(decimals: number): DraftState {
  const [values, setValues] = useState(loadValues);
  const [left, setLeft] = useState<readonly string[]>([]);
  const [checked, setChecked] = useState<CheckedDraft | null>(null);
  const [refusals, setRefusals] = useState<readonly string[]>([]);
  const reading = useMemo(() => readDraft(values, decimals), [values, decimals]);

  useEffect(() => {
    setChecked(null);
    setRefusals([]);
    const { draft } = reading;
    if (draft === null) return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      post<CheckedDraft>("/v1/drafts/validate", draft)
        .then((answer) => isCurrent && setChecked(answer))
        .catch((error: unknown) => isCurrent && setRefusals(readRefusals(error)));
    }, REST_MILLISECONDS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [reading]);

  // Kept at once: an effect might come too late for somebody who reloads right after typing.
  const change = (name: string, value: string) =>
    setValues((before) => {
      const after = { ...before, [name]: value };
      saveValues(after);
      return after;
    });
  const leave = (name: string) => setLeft((before) => [...before, name]);
  const showFaults = () => setLeft(Object.keys(values));
  const faults = Object.fromEntries(Object.entries(reading.faults ?? {}).filter(([name]) => left.includes(name)));
  return { values, change, faults, leave, showFaults, reading, checked, refusals };
}

function readRefusals(error: unknown): readonly string[] {
  if (!(error instanceof ApiError)) throw error;
  const faults = error.problem?.errors ?? [];
  if (faults.length === 0) return [error.message];
  return faults.map(({ location, message }) => `${location.slice(1).join(".")}: ${message}`);
}
