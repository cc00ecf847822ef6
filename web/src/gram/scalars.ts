/** The scalar field of BLS12-381: integers below the group order. */

import { ProofError } from "./points";

/** `r`, the order of the group. */
export const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** Hexadecimal digits of a scalar. */
export const SCALAR_DIGITS = 64;

export function mod(value: bigint): bigint {
  const rest = value % ORDER;
  return rest < 0n ? rest + ORDER : rest;
}

/** The inverse of a scalar that is not zero, by Fermat. */
export function invert(value: bigint): bigint {
  let [result, base, exponent] = [1n, mod(value), ORDER - 2n];
  while (exponent > 0n) {
    if (exponent & 1n) result = mod(result * base);
    base = mod(base * base);
    exponent >>= 1n;
  }
  return result;
}

/** `1, γ, γ², …` */
export function computePowers(base: bigint, count: number): bigint[] {
  const powers = [1n];
  while (powers.length < count) powers.push(mod((powers.at(-1) ?? 1n) * base));
  return powers.slice(0, count);
}

/** @throws ProofError where it is not below the group order */
export function decodeScalar(digits: string): bigint {
  const scalar = BigInt(`0x${digits}`);
  if (scalar >= ORDER) throw new ProofError("a scalar is not below the group order");
  return scalar;
}

export function encodeScalar(scalar: bigint): string {
  return scalar.toString(16).padStart(SCALAR_DIGITS, "0");
}
