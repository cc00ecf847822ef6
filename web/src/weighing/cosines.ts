/** Exact cosines between rows, in fixed point. */

import { abs, at, isqrt, min, ONE } from "./integers";
import { diagonal, entry, tabulate } from "./matrix";
import type { Matrix } from "./matrix";

/** No Gram matrix has a squared cosine above one. Of those that another matrix has, any beyond 2^8 is as good as 2^8. */
export const MAX_SQUARED_COSINE = 1n << 40n;

/** `⌊G_ij²·2^32 / (G_ii·G_jj)⌋`, 0 if either norm is 0, and cut at `MAX_SQUARED_COSINE`. */
export function computeSquaredCosines(gram: Matrix): Matrix {
  const norms = diagonal(gram);
  return tabulate(gram.length, (i, j) => {
    const [inner, product] = [entry(gram, i, j), at(norms, i) * at(norms, j)];
    return product === 0n ? 0n : min(((inner * inner) << 32n) / product, MAX_SQUARED_COSINE);
  });
}

/** Cosines in Q32, towards zero, at most one in absolute value; 0 with a row of no length. */
export function computeCosines(gram: Matrix): Matrix {
  const lengths = diagonal(gram).map((norm) => isqrt(norm << 64n));
  return tabulate(gram.length, (i, j) => {
    const [inner, product] = [entry(gram, i, j), at(lengths, i) * at(lengths, j)];
    const cosine = product === 0n ? 0n : min((abs(inner) << 96n) / product, ONE);
    return inner < 0n ? -cosine : cosine;
  });
}

/** `⌊q² / 2^32⌋`. */
export function squareQ32(value: bigint): bigint {
  return (value * value) >> 32n;
}
