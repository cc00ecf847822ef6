/** Cosines for the eye, from the Gram matrix of a round. Those that decide anything are exact, in `weighing/`. */

import type { Matrix } from "../weighing/matrix";

/** The cosine of rows `i` and `j`; 0 where one of them has no length. */
export function computeCosine(gram: Matrix, i: number, j: number): number {
  const own = Number(gram[i]?.[i] ?? 0n);
  const other = Number(gram[j]?.[j] ?? 0n);
  if (own === 0 || other === 0) return 0;
  const cosine = Number(gram[i]?.[j] ?? 0n) / Math.sqrt(own) / Math.sqrt(other);
  return Math.max(-1, Math.min(1, cosine));
}
