/** Points of BLS12-381 in the form of EIP-2537 (docs/proof.md, section 2). */

import { bls12_381 } from "@noble/curves/bls12-381";

export const G1 = bls12_381.G1.ProjectivePoint;
export const G2 = bls12_381.G2.ProjectivePoint;

export type PointG1 = InstanceType<typeof G1>;
export type PointG2 = InstanceType<typeof G2>;

/** Hexadecimal digits of a point: two coordinates of 64 bytes. */
export const POINT_DIGITS = 256;

const COORDINATE_DIGITS = 128;
const { Fp } = bls12_381.fields;

/** Why a proof is not one. */
export class ProofError extends Error {}

/**
 * A point of G1, infinity where all is zero.
 *
 * @param digits hexadecimal, without `0x`
 * @throws ProofError where it is malformed, off the curve or outside the subgroup
 */
export function decodePoint(digits: string): PointG1 {
  if (digits.length !== POINT_DIGITS) throw new ProofError(`a point of ${digits.length / 2} bytes`);
  const [x, y] = [digits.slice(0, COORDINATE_DIGITS), digits.slice(COORDINATE_DIGITS)].map((part) => BigInt(`0x${part}`));
  if (x === undefined || y === undefined || !Fp.isValid(x) || !Fp.isValid(y)) {
    throw new ProofError("a coordinate is not below the field's modulus");
  }
  if (x === 0n && y === 0n) return G1.ZERO;
  try {
    const point = G1.fromAffine({ x, y });
    point.assertValidity();
    return point;
  } catch {
    throw new ProofError("a point is off the curve or outside the subgroup");
  }
}

export function splitDigits(digits: string, size: number): string[] {
  return Array.from({ length: digits.length / size }, (_, place) => digits.slice(place * size, (place + 1) * size));
}
