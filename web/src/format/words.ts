/** The contract's names for states, outcomes and reasons, in words. */

import { shortenHex } from "./hex";

const WORDS: Record<string, string> = {
  enrolling: "Enrolling",
  running: "Running",
  completed: "Completed",
  cancelled: "Cancelled",
  failed: "Failed",
  collecting: "Collecting updates",
  weighing: "Weighing",
  attesting: "Attesting",
  decided: "Decided, not recorded yet",
  final: "Final",
  too_few: "Too few updates",
  missed: "Missed by the aggregator",
  abandoned: "Abandoned by the aggregator",
  void: "Void: trainers objected",
  none: "Open",
  unavailable: "Not available in storage",
  undecryptable: "Could not be decrypted",
  malformed: "Malformed",
  not_opening: "Does not open its commitment",
  share: "Share",
  fee: "Aggregator's fee",
  pool_split: "Part of the pool",
  refund: "Refund",
  claim: "Taken out",
  left: "Left",
  absent: "Out: absent too often",
  struck: "Out: struck too often",
  ended: "Project ended",
};

export function describe(name: string): string {
  return WORDS[name] ?? name.replaceAll("_", " ");
}

/** A call or role as the API spells it, for a heading: `first_settlement` → `First settlement`. */
export function titleCase(name: string): string {
  const text = name.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A project's title, or its id while storage does not tell the title. */
export function nameProject(project: { id: string; title: string | null }): string {
  return project.title ?? `Project ${shortenHex(project.id)}`;
}
