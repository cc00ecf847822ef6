/**
 * Contributions: what each row is paid for, with the replication discount, the noise floor and the quorum
 * (docs/rules.md, "Contribution").
 */

import { computeSquaredCosines, MAX_SQUARED_COSINE, squareQ32 } from "./cosines";
import { at, isqrt, max, min, ONE, range, sum } from "./integers";
import { diagonal, entry } from "./matrix";
import type { Integers, Matrix } from "./matrix";

/** The square of how many standard deviations a row's cosine must stand above chance: `4²`. */
const NOISE_FACTOR = 16n;

const PRECISION = 256n;

/** `⌊2^64 · 2^(−2^−b)⌋` for `b = 1 … 16`, by repeated square roots of one half. */
export const HALVINGS: Integers = computeHalvings();

function computeHalvings(): bigint[] {
  let root = 1n << (PRECISION - 1n);
  return range(16).map(() => {
    root = isqrt(root << PRECISION);
    return root >> (PRECISION - 64n);
  });
}

/** How alike two rows must be to count as copies, and what a copy costs. */
export interface CopyDiscount {
  /** How often the squared cosine is squared. */
  readonly squarings: number;
  /** How much a copy adds to `κ`. */
  readonly weight: bigint;
  /** The largest squared cosine in Q32 that counts. */
  readonly limit: bigint;
}

/** `κ` sums fourth powers of cosines. Of the rules of version 1. */
export const GENTLE: CopyDiscount = { squarings: 1, weight: 1n, limit: MAX_SQUARED_COSINE };

/** `κ` sums thirty-second powers, twice: rows that agree well are no copies, and `k` copies earn less than one row. */
export const SHARP: CopyDiscount = { squarings: 4, weight: 2n, limit: ONE };

/** One row's way from its weight to its contribution. */
export interface Merit {
  /** `a_i = Σ_{j≠i} w_j·G_ij`, the inner product with what the others did. */
  readonly agreement: bigint;
  /** `b_i = Σ_{j≠i} Σ_{k≠i} w_j·w_k·G_jk`, the squared norm of what the others did. */
  readonly others: bigint;
  /** `ψ_i = max(0, w_i·a_i)`, the row's Shapley value. */
  readonly psi: bigint;
  /** `κ_i` in Q32, how many copies of the row the others amount to. */
  readonly kappa: bigint;
  /** `2^−κ_i` in Q64. */
  readonly discount: bigint;
  /** `a_i²·d`, the left side of the noise floor. */
  readonly signal: bigint;
  /** `16·G_ii·b_i`, its right side. */
  readonly noise: bigint;
  /** Whether the row agrees with the others more than a random vector would. */
  readonly aboveNoise: boolean;
  /** What is left of `ψ_i`: the contribution, if the round has a quorum. */
  readonly value: bigint;
}

/** Of a root update, which is not judged. */
export const NO_MERIT: Merit = {
  agreement: 0n,
  others: 0n,
  psi: 0n,
  kappa: 0n,
  discount: 0n,
  signal: 0n,
  noise: 0n,
  aboveNoise: false,
  value: 0n,
};

/** `2^−κ` in Q64 for a `κ ≥ 0` in Q32, by the sixteen highest fractional bits of `κ`, most significant first. */
export function computeExp2Neg(kappa: bigint): bigint {
  let value = 1n << 64n;
  HALVINGS.forEach((halving, place) => {
    if ((kappa >> BigInt(31 - place)) & 1n) value = (value * halving) >> 64n;
  });
  return value >> (kappa >> 32n);
}

/** `κ_i`, the sum of a power of each row's positive cosines with the others, in Q32. */
export function computeKappas(gram: Matrix, discount: CopyDiscount): Integers {
  const squared = computeSquaredCosines(gram);
  return squared.map((row, i) => {
    const powers = row.map((cosine, j) => {
      if (i === j || entry(gram, i, j) <= 0n) return 0n;
      let power = min(cosine, discount.limit);
      for (let k = 0; k < discount.squarings; k++) power = min(squareQ32(power), MAX_SQUARED_COSINE);
      return power;
    });
    return discount.weight * sum(powers);
  });
}

/** Each row's merit in a weighted sum of the rows. */
export function computeMerits(gram: Matrix, weights: Integers, d: bigint, discount: CopyDiscount): Merit[] {
  const pulls = gram.map((row) => sum(row.map((inner, j) => at(weights, j) * inner)));
  const energy = sum(pulls.map((pull, row) => at(weights, row) * pull));
  const [norms, kappas] = [diagonal(gram), computeKappas(gram, discount)];
  return pulls.map((pull, row) => {
    const [weight, norm, kappa] = [at(weights, row), at(norms, row), at(kappas, row)];
    const agreement = pull - weight * norm;
    const others = energy - 2n * weight * pull + weight * weight * norm;
    const psi = max(0n, weight * agreement);
    const [signal, noise] = [agreement * agreement * d, NOISE_FACTOR * norm * others];
    const left = computeExp2Neg(kappa);
    const aboveNoise = agreement > 0n && signal >= noise;
    const value = aboveNoise ? (psi * left) >> 64n : 0n;
    return { agreement, others, psi, kappa, discount: left, signal, noise, aboveNoise, value };
  });
}

/** Whether at least half of the `n − f` rows that a rule counts on contributed: otherwise nobody did. */
export function hasQuorum(merits: readonly Merit[], f: number): boolean {
  return 2 * merits.filter((merit) => merit.value > 0n).length >= merits.length - f;
}
