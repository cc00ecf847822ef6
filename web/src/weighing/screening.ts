/** Screening: rows that pull against the others are left out, and each one found is one fewer to be afraid of. */

import { computeCosines, squareQ32 } from "./cosines";
import { at, ONE, range, sum } from "./integers";
import { entry, rank, submatrix, tabulate } from "./matrix";
import type { IndexSet, Integers, Matrix } from "./matrix";

/** A row is left out where the mean support of the others is `−1/8` or less. */
const TOLERANCE = 8n;

/** Leaves out rows. What follows in the chain counts the rows that are kept, in their order. */
export interface Screening {
  /** For each row its support among the rows that were left when it was last looked at, in Q32. */
  readonly scores: Integers;
  readonly kept: IndexSet;
  /** In the order in which they were found. */
  readonly removed: IndexSet;
}

/** Removes, up to `f` times, the row with the least support, as long as the rest is clearly against it. */
export function screen(gram: Matrix, f: number): Screening {
  const support = computeSupport(computeCosines(gram));
  const scores = support.map(sum);
  let kept = range(gram.length);
  const removed: number[] = [];
  while (removed.length < f) {
    const least = at(rank(scores, kept), 0);
    if (TOLERANCE * at(scores, least) > -BigInt(kept.length - 1) * ONE) break;
    kept = kept.filter((row) => row !== least);
    removed.push(least);
    for (const row of kept) scores[row] = at(scores, row) - entry(support, row, least);
  }
  return { scores, kept, removed };
}

/** What each row says for each other: a negative cosine counts in full, a positive one as `c − c²`. */
function computeSupport(cosines: Matrix): Matrix {
  return tabulate(cosines.length, (i, j) => {
    const cosine = entry(cosines, i, j);
    if (i === j) return 0n;
    return cosine > 0n ? cosine - squareQ32(cosine) : cosine;
  });
}

/** The Gram matrix of the kept rows. */
export function keep(screening: Screening, gram: Matrix): Matrix {
  return submatrix(gram, screening.kept);
}

/** Weights of the kept rows as weights of all: 0 for the others. */
export function spread(screening: Screening, weights: Integers): Integers {
  return screening.scores.map((_, row) => {
    const place = screening.kept.indexOf(row);
    return place < 0 ? 0n : at(weights, place);
  });
}
