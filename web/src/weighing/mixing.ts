/** Nearest-neighbour mixing: each row is replaced by the sum of itself and those closest to it (docs/rules.md, step 2). */

import { range, sum } from "./integers";
import { ascending, computeNearestOthers, computeSquaredDistances, entry, tabulate } from "./matrix";
import type { IndexSet, Matrix } from "./matrix";
import type { Mixing } from "./weighing";

/** Replaces row `i` by the sum of the rows in `sets[i]`. */
export interface Neighbourhoods extends Mixing {
  readonly kind: "neighbourhoods";
}

export function mixNearestNeighbours(gram: Matrix, f: number): Neighbourhoods {
  const sets = findCompanies(computeSquaredDistances(gram), f);
  return {
    kind: "neighbourhoods",
    sets,
    rowSum: gram.length - f,
    mix: (matrix) => sumNeighbourhoods(matrix, sets),
    pullBack: (weights) => range(sets.length).map((row) => sum(weights.filter((_, set) => sets[set]?.includes(row)))),
  };
}

/** For each row itself and its `n − f − 1` nearest others. */
export function findCompanies(distances: Matrix, f: number): IndexSet[] {
  const nearest = computeNearestOthers(distances, distances.length - f - 1);
  return nearest.map((others, row) => ascending([row, ...others]));
}

/** `H_ij = Σ_{a ∈ N_i} Σ_{b ∈ N_j} G_ab`, one sum at a time. */
function sumNeighbourhoods(matrix: Matrix, sets: readonly IndexSet[]): Matrix {
  const halves = sets.map((members) =>
    range(matrix.length).map((column) => sum(members.map((row) => entry(matrix, row, column)))),
  );
  return tabulate(sets.length, (i, j) => sum((sets[j] ?? []).map((column) => entry(halves, i, column))));
}
