/** Nearest-neighbour averaging: the rows around the row that has the closest company. */

import { at, ONE } from "./integers";
import { computeSquaredDistances, rank, sumMembers } from "./matrix";
import type { IndexSet, Integers, Matrix } from "./matrix";
import { findCompanies } from "./mixing";
import { computeIndicator } from "./selection";
import type { Selection } from "./weighing";

/** A row and those nearest to it. */
export interface Company extends Selection {
  readonly kind: "company";
  /** The row with the smallest `(score, index)`. */
  readonly pivot: number;
  /** For each row the sum of its squared distances to the rows of its set. */
  readonly scores: Integers;
  /** For each row itself and its `n − f − 1` nearest others. Those of the pivot are selected. */
  readonly sets: readonly IndexSet[];
}

export function selectNearestToPivot(gram: Matrix, f: number): Company {
  const distances = computeSquaredDistances(gram);
  const sets = findCompanies(distances, f);
  const scores = sumMembers(distances, sets);
  const pivot = at(rank(scores), 0);
  const selected = at(sets, pivot);
  const weights = computeIndicator(selected, gram.length);
  return { kind: "company", pivot, scores, sets, selected, weights, normaliser: ONE * BigInt(selected.length) };
}
