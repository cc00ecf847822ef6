/** The outcome of weighing one round, with every intermediate fact that explains it. */

import type { Clipping } from "./clip";
import type { Merit } from "./contribution";
import { at } from "./integers";
import { entry } from "./matrix";
import type { IndexSet, Integers, Matrix } from "./matrix";
import type { Neighbourhoods } from "./mixing";
import type { Company } from "./nearest";
import type { Screening } from "./screening";
import type { Everyone, Krum } from "./selection";
import type { Graded } from "./trust";

/** A linear map of the rows, seen from both sides: Gram matrices go forward through it, weights come back. */
export interface Mixing {
  /** How many rows each mixed row adds up, at most. */
  readonly rowSum: number;
  /** The sets that define the map, as far as a verifier must be told. */
  readonly sets: readonly IndexSet[];
  readonly mix: (gram: Matrix) => Matrix;
  readonly pullBack: (weights: Integers) => Integers;
}

/** The rows that a rule accepts, and their weights. */
export interface Selection {
  readonly selected: IndexSet;
  /** Weights of the mixed rows, in Q32, not negative. */
  readonly weights: Integers;
  /** What the weights are divided by; positive. */
  readonly normaliser: bigint;
  /** The sets that define the selection, as far as a verifier must be told. */
  readonly sets: readonly IndexSet[];
}

export type Step = Clipping | Neighbourhoods;
export type Choice = Everyone | Krum | Company | Graded;

/** A weighed Gram matrix. */
export interface Weighing {
  readonly rule: string;
  readonly gram: Matrix;
  /** Whether the last row is the owner's root update, which has no weight, no pay and no strike. */
  readonly rooted: boolean;
  /** How many rows may be dishonest. */
  readonly f: number;
  /** Number of coordinates of a row. */
  readonly d: bigint;
  readonly screening: Screening | null;
  readonly mixings: readonly Step[];
  readonly selection: Choice;
  /** `w_i` in Q32; the aggregate is `A = Σ w_i·u_i`. */
  readonly weights: Integers;
  /** `Z`; the model moves by `A / (Z·scale)`. */
  readonly normaliser: bigint;
  readonly merits: readonly Merit[];
  /** `φ_i`; all 0 without a quorum. */
  readonly contributions: Integers;
  /** Rows with a strike: without weight, and in disagreement with the accepted ones. */
  readonly opposed: IndexSet;
}

/** Why a row is paid, or the first reason why it is not. */
export type Verdict =
  | "paid"
  | "root update"
  | "zero update"
  | "opposed"
  | "clipped away"
  | "screened out"
  | "outlier"
  | "no agreement"
  | "below the noise floor"
  | "replicated"
  | "no quorum";

/** Why the row is paid, or the first reason why it is not, in the order of the rule's steps. */
export function getVerdict(weighing: Weighing, row: number): Verdict {
  const merit = at(weighing.merits, row);
  const place = weighing.screening === null ? row : weighing.screening.kept.indexOf(row);
  const clipping = weighing.mixings.find((mixing) => mixing.kind === "clipping");
  if (weighing.rooted && row === weighing.weights.length - 1) return "root update";
  if (at(weighing.contributions, row) > 0n) return "paid";
  if (entry(weighing.gram, row, row) === 0n) return "zero update";
  if (weighing.opposed.includes(row)) return "opposed";
  if (place < 0) return "screened out";
  if (clipping !== undefined && at(clipping.factors, place) === 0n) return "clipped away";
  if (at(weighing.weights, row) === 0n) return "outlier";
  if (merit.agreement <= 0n) return "no agreement";
  if (!merit.aboveNoise) return "below the noise floor";
  return merit.value === 0n ? "replicated" : "no quorum";
}
