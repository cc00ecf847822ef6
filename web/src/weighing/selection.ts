/** Selectors: which rows a rule accepts at the end of its chain, and with what weight. */

import { ONE, range } from "./integers";
import { ascending, computeNearestOthers, computeSquaredDistances, rank, sumMembers } from "./matrix";
import type { IndexSet, Integers, Matrix } from "./matrix";
import type { Selection } from "./weighing";

/** All rows. */
export interface Everyone extends Selection {
  readonly kind: "everyone";
}

/** The rows that lie closest to their neighbours. */
export interface Krum extends Selection {
  readonly kind: "krum";
  /** For each row the sum of its squared distances to its `n − f − 2` nearest others. */
  readonly scores: Integers;
  /** From 1, by `(score, index)`. */
  readonly ranks: readonly number[];
}

/** `ONE` for the members of a set of rows, 0 for the others. */
export function computeIndicator(members: IndexSet, n: number): Integers {
  return range(n).map((row) => (members.includes(row) ? ONE : 0n));
}

export function selectEveryone(gram: Matrix): Everyone {
  const selected = range(gram.length);
  const weights = selected.map(() => ONE);
  return { kind: "everyone", selected, weights, normaliser: ONE * BigInt(gram.length), sets: [] };
}

/** The `n − f` rows with the smallest Krum score (docs/rules.md, step 3). */
export function selectMultiKrum(gram: Matrix, f: number): Krum {
  const n = gram.length;
  const distances = computeSquaredDistances(gram);
  const nearest = computeNearestOthers(distances, n - f - 2);
  const scores = sumMembers(distances, nearest);
  const order = rank(scores);
  const selected = ascending(order.slice(0, n - f));
  const ranks = new Array<number>(n).fill(0);
  order.forEach((row, place) => (ranks[row] = place + 1));
  return {
    kind: "krum",
    selected,
    scores,
    ranks,
    sets: [...nearest, selected],
    weights: computeIndicator(selected, n),
    normaliser: ONE * BigInt(selected.length),
  };
}
