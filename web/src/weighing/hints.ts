/** Hints: the sets of a weighing as bit masks, which the contract checks instead of sorting. */

import type { Weighing } from "./weighing";

/** The sets of each step in the order of the chain, 4 bytes each, big-endian, bit `i` for row `i`; 0x-hex. */
export function encodeHints(weighing: Weighing): string {
  const sets = [...weighing.mixings.flatMap((mixing) => mixing.sets), ...weighing.selection.sets];
  const masks = sets.map((members) => members.reduce((mask, member) => mask | (1n << BigInt(member)), 0n));
  return `0x${masks.map((mask) => mask.toString(16).padStart(8, "0")).join("")}`;
}
