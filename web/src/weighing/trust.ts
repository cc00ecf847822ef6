/** FLTrust: rows are trusted as far as they point the way of an update that the project's owner computed itself. */

import { isqrt, min, ONE, range, sum } from "./integers";
import { entry } from "./matrix";
import type { Integers, Matrix } from "./matrix";
import type { Selection } from "./weighing";

/** Rows that are accepted by degrees. */
export interface Graded extends Selection {
  readonly kind: "graded";
  /** How far each row is trusted, in Q32: its cosine with the root, if that is positive. */
  readonly grades: Integers;
}

/** No row weighs more than sixteen rows of the root's length that are trusted entirely. */
const MAX_WEIGHT = ONE << 4n;

/** Weighs rows by their cosine with the last row, the root, and brings them to its length (docs/rules.md, "FLTrust"). */
export function weighByTrust(gram: Matrix): Graded {
  const root = gram.length - 1;
  const rootNorm = entry(gram, root, root);
  const graded = range(root).map((row): readonly [weight: bigint, trust: bigint] => {
    const [inner, norm] = [entry(gram, row, root), entry(gram, row, row)];
    if (inner <= 0n || norm <= 0n || rootNorm <= 0n) return [0n, 0n];
    return [min((inner << 32n) / norm, MAX_WEIGHT), rootUp(inner * inner, norm * rootNorm)];
  });
  const [weights, trust] = [graded.map(([weight]) => weight), graded.map(([, trust]) => trust)];
  return {
    kind: "graded",
    selected: range(root).filter((row) => weights[row] !== 0n),
    weights: [...weights, 0n],
    normaliser: sum(trust) || ONE,
    grades: [...trust, rootNorm ? ONE : 0n],
    sets: [],
  };
}

/** `⌈√(a / b)⌉` in Q32, of the exact fraction. Rounded up, so that no row enters longer than its trust allows. */
function rootUp(a: bigint, b: bigint): bigint {
  const quotient = ((a << 64n) + b - 1n) / b;
  return 1n + isqrt(quotient - 1n);
}
