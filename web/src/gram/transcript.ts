/** The Fiat–Shamir transcript: the challenges, and the context that they are bound to (docs/proof.md, 4 and 5). */

import { concatHex, encodeAbiParameters, keccak256, numberToHex, stringToHex } from "viem";
import type { Address, Hex } from "viem";

import { at } from "../weighing/integers";
import { entry } from "../weighing/matrix";
import type { Matrix } from "../weighing/matrix";
import { ProofError } from "./points";
import { encodeScalar, mod, ORDER } from "./scalars";

/** Which round a proof is for. */
export interface Where {
  readonly chainId: number;
  readonly marketplace: Address;
  readonly projectId: Hex;
  readonly round: number;
}

const TAG = keccak256(stringToHex("steelyard/gram/v1"));

/** `ctx`: binds a proof to chain, contract, project and round, and to the trainers in the order of the rows. */
export function computeContext(where: Where, trainers: readonly Address[], commitmentHashes: readonly Hex[]): Hex {
  const submissions = encodeAbiParameters(
    [{ type: "address[]" }, { type: "bytes32[]" }],
    [[...trainers], [...commitmentHashes]],
  );
  return keccak256(
    encodeAbiParameters(
      [{ type: "uint256" }, { type: "address" }, { type: "bytes32" }, { type: "uint256" }, { type: "bytes32" }],
      [BigInt(where.chainId), where.marketplace, where.projectId, BigInt(where.round), keccak256(submissions)],
    ),
  );
}

/** What `h0` hashes of the statement; byte strings are 0x-hex. */
export interface Sizes {
  readonly n: number;
  readonly d: number;
  readonly powers: number;
  readonly blocks: number;
}

export function computeH0(context: Hex, sizes: Sizes, commitments: Hex, gram: Hex, masks: Hex, t0: bigint): Hex {
  const { n, d, powers, blocks } = sizes;
  const counts = [n, d, powers, blocks].map(u32);
  const hashes = [keccak256(commitments), keccak256(gram)];
  return keccak256(concatHex([TAG, context, ...counts, ...hashes, masks, `0x${encodeScalar(t0)}`]));
}

/** `r_i = keccak(h0 ‖ 0x01 ‖ u32(i)) >> 128` */
export function computeRowWeights(h0: Hex, n: number): bigint[] {
  return Array.from({ length: n }, (_, row) => BigInt(keccak256(concatHex([h0, "0x01", u32(row)]))) >> 128n);
}

/** `c = t0 + Σ_ij r_i r_j G_ij`, the constant term that the Laurent polynomial must have. */
export function computeConstantTerm(t0: bigint, rowWeights: readonly bigint[], gram: Matrix): bigint {
  let total = t0;
  rowWeights.forEach((left, i) => rowWeights.forEach((right, j) => (total += left * right * entry(gram, i, j))));
  return mod(total);
}

export function computeH1(h0: Hex, quotient: Hex): Hex {
  return keccak256(concatHex([h0, "0x02", quotient]));
}

/** `z`, where the polynomials are opened. At 0, 1 and −1 the identity says nothing. */
export function computePoint(h1: Hex): bigint {
  const z = mod(BigInt(h1));
  if (z === 0n || z === 1n || z === ORDER - 1n) throw new ProofError("the evaluation challenge is degenerate");
  return z;
}

/** `γ`, which joins the openings into one. */
export function computeGamma(h1: Hex, evaluations: readonly bigint[]): bigint {
  return mod(BigInt(keccak256(concatHex([h1, "0x03", `0x${evaluations.map(encodeScalar).join("")}`]))));
}

/** `(R0, R1)` of the line `R0 + R1·X` through two points. */
export function computeLine(first: readonly [bigint, bigint], second: readonly [bigint, bigint], inverse: bigint) {
  const slope = mod((at(first, 1) - at(second, 1)) * inverse);
  return [mod(at(first, 1) - slope * at(first, 0)), slope] as const;
}

function u32(value: number): Hex {
  return numberToHex(value, { size: 4 });
}
