/** Clipping to the lower median norm: no row pulls harder than the middle one (docs/rules.md, step 1). */

import { ONE, at, isqrt } from "./integers";
import { diagonal, entry, rank, tabulate } from "./matrix";
import type { Integers, Matrix } from "./matrix";
import type { Mixing } from "./weighing";

/** Multiplies row `i` by `s_i ≤ 1`. */
export interface Clipping extends Mixing {
  readonly kind: "clipping";
  /** The lower median of the squared norms. */
  readonly median: bigint;
  /** `s_i` in Q32. */
  readonly factors: Integers;
}

export function clipToMedian(gram: Matrix): Clipping {
  const norms = diagonal(gram);
  const median = at(norms, at(rank(norms), (norms.length - 1) >> 1));
  const factors = norms.map((norm) => (norm <= median ? ONE : isqrt((median << 64n) / norm)));
  return {
    kind: "clipping",
    median,
    factors,
    rowSum: 1,
    sets: [],
    mix: (matrix) => tabulate(matrix.length, (i, j) => (at(factors, i) * at(factors, j) * entry(matrix, i, j)) >> 64n),
    pullBack: (weights) => weights.map((weight, row) => (weight * at(factors, row)) >> 32n),
  };
}
