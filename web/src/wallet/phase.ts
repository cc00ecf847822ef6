/** How far the transaction is that the user is asked about. One at a time, for the whole page. */

import type { Hex } from "viem";

import type { Prompt } from "./words";

export type Phase =
  | { readonly name: "idle" }
  | { readonly name: "working"; readonly title: string; readonly doing: string }
  | { readonly name: "asking"; readonly prompt: Prompt; readonly answer: (yes: boolean) => void }
  | { readonly name: "pending"; readonly title: string; readonly hash: Hex }
  | { readonly name: "done"; readonly title: string; readonly hash: Hex; readonly blockNumber: bigint }
  | { readonly name: "failed"; readonly title: string; readonly reason: string };

const IDLE = { name: "idle" } as const;

let phase: Phase = IDLE;
const listeners = new Set<() => void>();

export function getPhase(): Phase {
  return phase;
}

export function setPhase(next: Phase): void {
  phase = next;
  for (const listener of listeners) listener();
}

export function onPhase(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows what is about to be signed, and waits for a yes or no. */
export function ask(prompt: Prompt): Promise<boolean> {
  return new Promise((answer) => setPhase({ name: "asking", prompt, answer }));
}

/** Closes the dialog; an open question is answered with no. */
export function dismiss(): void {
  if (phase.name === "asking") phase.answer(false);
  setPhase(IDLE);
}
