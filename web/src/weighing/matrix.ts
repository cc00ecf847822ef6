/** Gram matrices of exact integers: reading one, and distances between its rows. */

import { at, range, sum } from "./integers";

/** A symmetric matrix, row by row. */
export type Matrix = readonly (readonly bigint[])[];

/** Row indices, ascending. */
export type IndexSet = readonly number[];

/** One exact integer a row. */
export type Integers = readonly bigint[];

const ENTRY_DIGITS = 16;

/** Why a matrix cannot be weighed. */
export class MatrixError extends Error {}

/**
 * Reads a matrix as it is on chain: the upper triangle row by row, int64, big-endian (docs/proof.md, section 3).
 *
 * @param hex with its `0x`
 * @param n how many rows
 * @throws MatrixError where the length is another
 */
export function decodeGram(hex: string, n: number): Matrix {
  const digits = hex.startsWith("0x") ? hex.slice(2) : hex;
  const entries = (n * (n + 1)) / 2;
  if (digits.length !== ENTRY_DIGITS * entries || !/^[0-9a-f]*$/i.test(digits)) {
    throw new MatrixError(`a matrix of ${n} rows has ${entries} entries of 8 bytes, this has ${digits.length / 2} bytes`);
  }
  const matrix = range(n).map(() => new Array<bigint>(n).fill(0n));
  let place = 0;
  for (let row = 0; row < n; row++) {
    for (let column = row; column < n; column++) {
      const entry = BigInt.asIntN(64, BigInt(`0x${digits.slice(place, place + ENTRY_DIGITS)}`));
      at(matrix, row)[column] = entry;
      at(matrix, column)[row] = entry;
      place += ENTRY_DIGITS;
    }
  }
  return matrix;
}

/** @throws MatrixError where a squared norm is negative: such a row is no vector of integers */
export function checkNorms(matrix: Matrix): Matrix {
  diagonal(matrix).forEach((norm, row) => {
    if (norm < 0n) throw new MatrixError(`row ${row} has the squared norm ${norm}`);
  });
  return matrix;
}

export function entry(matrix: Matrix, row: number, column: number): bigint {
  return at(at(matrix, row), column);
}

export function diagonal(matrix: Matrix): Integers {
  return matrix.map((row, index) => at(row, index));
}

/** The matrix of some of the rows, in their order. */
export function submatrix(matrix: Matrix, rows: IndexSet): Matrix {
  return rows.map((row) => rows.map((column) => entry(matrix, row, column)));
}

/** Each entry by its place. */
export function tabulate(n: number, compute: (row: number, column: number) => bigint): Matrix {
  return range(n).map((row) => range(n).map((column) => compute(row, column)));
}

/** `‖x_i − x_j‖² = G_ii + G_jj − 2·G_ij`. */
export function computeSquaredDistances(gram: Matrix): Matrix {
  const norms = diagonal(gram);
  return tabulate(gram.length, (i, j) => at(norms, i) + at(norms, j) - 2n * entry(gram, i, j));
}

/** The rows by the smallest `(value, index)`. */
export function rank(values: Integers, rows: IndexSet = range(values.length)): number[] {
  return [...rows].sort((a, b) => {
    const [first, second] = [at(values, a), at(values, b)];
    return first === second ? a - b : first < second ? -1 : 1;
  });
}

/** For each row the `count` other rows at the smallest `(distance, index)`. */
export function computeNearestOthers(distances: Matrix, count: number): IndexSet[] {
  return distances.map((row, index) => {
    const others = range(row.length).filter((other) => other !== index);
    return ascending(rank(row, others).slice(0, count));
  });
}

/** For each row the sum of its distances to the members of its set. */
export function sumMembers(distances: Matrix, sets: readonly IndexSet[]): Integers {
  return sets.map((members, row) => sum(members.map((member) => entry(distances, row, member))));
}

export function ascending(rows: IndexSet): IndexSet {
  return [...rows].sort((a, b) => a - b);
}

/** The cosine of two vectors from their exact inner product, for people to read; 0 where either is zero. */
export function computeCosine(inner: bigint, squaredNormA: bigint, squaredNormB: bigint): number {
  if (squaredNormA <= 0n || squaredNormB <= 0n) return 0;
  return Math.max(-1, Math.min(1, Number(inner) / Math.sqrt(Number(squaredNormA)) / Math.sqrt(Number(squaredNormB))));
}
