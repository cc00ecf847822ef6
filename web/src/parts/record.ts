/** An aggregator's record in a line. */

import { describe } from "../format/words";

const ORDER = ["final", "void", "missed", "abandoned", "too_few", "none"];

/** Attempts by outcome, the good ones first: `12 final, 1 missed by the aggregator`. */
export function describeRecord(record: Record<string, number>): string {
  const parts = ORDER.filter((outcome) => (record[outcome] ?? 0) > 0).map(
    (outcome) => `${record[outcome]} ${describe(outcome).toLowerCase()}`,
  );
  return parts.length === 0 ? "no attempt yet" : parts.join(", ");
}
