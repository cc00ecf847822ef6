/** From contributions to money, in the token's smallest units. Rounding is always against the one who is paid. */

import { BPS, sum } from "./integers";
import type { Integers } from "./matrix";

/** An amount split pro rata: the shares and the remainder add up to it. */
export interface Split {
  readonly shares: Integers;
  readonly remainder: bigint;
}

/** `f = min(⌊n·byzantineBps / 10,000⌋, ⌊(n − 3) / 2⌋)`, how many of `n` rows a rule is to withstand. */
export function computeNumByzantine(n: number, byzantineBps: number): number {
  if (n < 3) throw new RangeError(`${n} rows are too few`);
  return Math.min(Math.floor((n * byzantineBps) / 10_000), Math.floor((n - 3) / 2));
}

/** Splits an amount in proportion to `parts`, each share rounded down; all of it remains if every part is 0. */
export function computeShares(amount: bigint, parts: Integers): Split {
  const total = sum(parts);
  const shares = parts.map((part) => (total ? (amount * part) / total : 0n));
  return { shares, remainder: amount - sum(shares) };
}

/** What the rows of a round share: its part of the project's budget, less the aggregator's fee. */
export function computeRowsBudget(budget: bigint, rounds: bigint, feeBps: bigint): bigint {
  const roundBudget = budget / rounds;
  return roundBudget - (roundBudget * feeBps) / BPS;
}
