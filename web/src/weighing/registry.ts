/** Rules by name. A rule is a chain: steps turn the Gram matrix into another, a selector ends it with weights. */

import { clipToMedian } from "./clip";
import { computeMerits, GENTLE, hasQuorum, NO_MERIT, SHARP } from "./contribution";
import type { CopyDiscount } from "./contribution";
import { at, range } from "./integers";
import { checkNorms, submatrix } from "./matrix";
import type { Integers, Matrix } from "./matrix";
import { mixNearestNeighbours } from "./mixing";
import { selectNearestToPivot } from "./nearest";
import { keep, screen, spread } from "./screening";
import { selectEveryone, selectMultiKrum } from "./selection";
import { weighByTrust } from "./trust";
import type { Choice, Step, Weighing } from "./weighing";

/** A weighing rule that a contract computes too. */
export interface Rule {
  readonly name: string;
  readonly steps: readonly ((gram: Matrix, f: number) => Step)[];
  readonly select: (gram: Matrix, f: number) => Choice;
  /** Whether the last row is the owner's root update, which guides the weights and has neither weight nor pay. */
  readonly rooted: boolean;
  /** Whether rows that pull against the others are left out before the chain begins. */
  readonly screened: boolean;
  readonly discount: CopyDiscount;
}

/** Why a round cannot be weighed. */
export class RuleError extends Error {}

const CLIP_AND_MIX = [clipToMedian, mixNearestNeighbours];
const PLAIN = { steps: [], rooted: false, screened: false, discount: GENTLE };

/** The rules that a project can be created with, the default first. */
export const RULES: readonly Rule[] = [
  {
    ...PLAIN,
    name: "screen-clip-nnm-multi-krum",
    steps: CLIP_AND_MIX,
    select: selectMultiKrum,
    screened: true,
    discount: SHARP,
  },
  { ...PLAIN, name: "clip-nnm-multi-krum", steps: CLIP_AND_MIX, select: selectMultiKrum },
  { ...PLAIN, name: "multi-krum", select: selectMultiKrum },
  { ...PLAIN, name: "mean", select: selectEveryone },
  { ...PLAIN, name: "nna", select: selectNearestToPivot, discount: SHARP },
  { ...PLAIN, name: "fltrust", select: weighByTrust, rooted: true, discount: SHARP },
];

export function getRule(name: string): Rule {
  const found = RULES.find((rule) => rule.name === name);
  if (found === undefined) throw new RuleError(`this page does not know the rule ${name}`);
  return found;
}

/**
 * Weighs the rows of a Gram matrix; equal to the contract of the same name to the last bit.
 *
 * @param f how many of the trainers may be dishonest; there are at least `2f + 3` trainers
 * @param d number of coordinates of a row, below 2^32
 * @throws MatrixError, RuleError where a squared norm is negative, or there are too few rows
 */
export function weigh(rule: Rule, gram: Matrix, f: number, d: bigint): Weighing {
  checkNorms(gram);
  const n = gram.length - (rule.rooted ? 1 : 0);
  if (n < 2 * f + 3) throw new RuleError(`${n} rows are too few to withstand ${f}`);
  const screening = rule.screened ? screen(gram, f) : null;
  const feared = f - (screening?.removed.length ?? 0);
  let mixed = screening === null ? gram : keep(screening, gram);
  const mixings = rule.steps.map((step) => {
    const mixing = step(mixed, feared);
    mixed = mixing.mix(mixed);
    return mixing;
  });
  const selection = rule.select(mixed, feared);

  let weights: Integers = selection.weights;
  for (const mixing of [...mixings].reverse()) weights = mixing.pullBack(weights);
  if (screening !== null) weights = spread(screening, weights);
  const normaliser = mixings.reduce((product, mixing) => product * BigInt(mixing.rowSum), selection.normaliser);

  const merits = computeMerits(submatrix(gram, range(n)), weights.slice(0, n), d, rule.discount);
  const counts = hasQuorum(merits, f);
  const opposed = range(n).filter((row) => counts && weights[row] === 0n && at(merits, row).agreement < 0n);
  const root = rule.rooted ? [NO_MERIT] : [];
  const contributions = [...merits, ...root].map((merit) => (counts ? merit.value : 0n));
  return {
    rule: rule.name,
    gram,
    rooted: rule.rooted,
    f,
    d,
    screening,
    mixings,
    selection,
    weights,
    normaliser,
    merits: [...merits, ...root],
    contributions,
    opposed,
  };
}
