/** Reputation in basis points: a moving average of how a trainer's contributions compare with a fair share. */

import { at, BPS, min, sum } from "./integers";
import type { Integers } from "./matrix";

/** Of an account that has never trained. */
export const INITIAL_REPUTATION = 5_000n;

/** Reputations of a round's rows after it: an eighth of the way to the target, rounded down. */
export function computeReputations(reputations: Integers, contributions: Integers): Integers {
  const total = sum(contributions);
  if (total === 0n) return reputations;
  const n = BigInt(contributions.length);
  return reputations.map((old, row) => {
    const target = min(BPS, (INITIAL_REPUTATION * at(contributions, row) * n) / total);
    return old + ((target - old) >> 3n);
  });
}

/** The reputation of a trainer that was enrolled but did not submit: a sixteenth of the way to 0, rounded down. */
export function computeAbsentReputation(reputation: bigint): bigint {
  return reputation + (-reputation >> 4n);
}
