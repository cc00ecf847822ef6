/** Verifies a Gram proof (docs/proof.md, section 6): that a matrix is that of the committed updates. */

import { bls12_381 } from "@noble/curves/bls12-381";
import type { Hex } from "viem";

import { range } from "../weighing/integers";
import { decodeGram } from "../weighing/matrix";
import { decodePoint, G1, G2, POINT_DIGITS, ProofError, splitDigits } from "./points";
import type { PointG1 } from "./points";
import { BLINDING, countBlocks, POWERS, TAU_1, TAU_2, TAU_SQUARED_2 } from "./reference-string";
import { computePowers, decodeScalar, invert, mod, SCALAR_DIGITS } from "./scalars";
import { computeConstantTerm, computeGamma, computeH0, computeH1, computeLine, computePoint, computeRowWeights } from "./transcript";

/** What is proved, and the proof: byte strings as the chain has them. */
export interface Claim {
  readonly context: Hex;
  readonly n: number;
  readonly d: number;
  readonly commitments: Hex;
  readonly gram: Hex;
  readonly proof: Hex;
}

const U32_MAX = 2 ** 32 - 1;
const { Fp12 } = bls12_381.fields;

/** @throws ProofError where anything is wrong; MatrixError where the matrix has another size */
export function verifyGram(claim: Claim): void {
  const { n, d } = claim;
  if (n < 1 || d < 1 || n > U32_MAX || d > U32_MAX) throw new ProofError(`${n} rows of ${d} coordinates`);
  const blocks = countBlocks(d);
  const commitments = splitPoints("commitments", claim.commitments, n * blocks);
  const proof = readProof(claim.proof, blocks);
  const gram = decodeGram(claim.gram, n);

  const h0 = computeH0(claim.context, { n, d, powers: POWERS, blocks }, claim.commitments, claim.gram, proof.masks, proof.t0);
  const rowWeights = computeRowWeights(h0, n);
  const c = computeConstantTerm(proof.t0, rowWeights, gram);
  const h1 = computeH1(h0, proof.quotient);
  const z = computePoint(h1);
  const gammas = computePowers(computeGamma(h1, [...proof.a, ...proof.aPrime, proof.s]), blocks + 1);

  const products = range(blocks).reduce((sum, block) => sum + (proof.a[block] ?? 0n) * (proof.aPrime[block] ?? 0n), 0n);
  const sPrime = mod(z * (products - c - z * proof.s));
  const inverse = invert(z);
  const [r0, r1] = computeLine(
    [z, combine(gammas, [...proof.a, proof.s])],
    [inverse, combine(gammas, [...proof.aPrime, sPrime])],
    invert(z - inverse),
  );

  const witness = decodePoint(proof.witness.slice(2));
  const masks = splitPoints("M", proof.masks, blocks);
  const opened = G1.msm(
    [...commitments, ...masks, decodePoint(proof.quotient.slice(2)), BLINDING, G1.BASE, TAU_1],
    [
      ...rowWeights.flatMap((weight) => gammas.slice(0, blocks).map((gamma) => mod(weight * gamma))),
      ...gammas,
      ...[proof.omega, r0, r1].map((scalar) => mod(-scalar)),
    ],
  ).subtract(witness);
  if (!isPaired(opened, witness, mod(z + inverse))) throw new ProofError("the pairing equation does not hold");
}

/** Whether `e(X, [1]₂)·e(s·W, [τ]₂)·e(−W, [τ²]₂) = 1`. A pairing with infinity is one. */
function isPaired(opened: PointG1, witness: PointG1, sum: bigint): boolean {
  const pairs = [
    { g1: opened, g2: G2.BASE },
    { g1: sum === 0n ? G1.ZERO : witness.multiplyUnsafe(sum), g2: TAU_2 },
    { g1: witness.negate(), g2: TAU_SQUARED_2 },
  ].filter(({ g1 }) => !g1.equals(G1.ZERO));
  return pairs.length === 0 || Fp12.eql(bls12_381.pairingBatch(pairs), Fp12.ONE);
}

function combine(gammas: readonly bigint[], values: readonly bigint[]): bigint {
  return mod(values.reduce((sum, value, place) => sum + value * (gammas[place] ?? 0n), 0n));
}

function splitPoints(name: string, bytes: Hex, count: number): PointG1[] {
  const digits = bytes.slice(2);
  if (digits.length !== POINT_DIGITS * count) throw new ProofError(`${name} of ${digits.length / 2} bytes`);
  return splitDigits(digits, POINT_DIGITS).map(decodePoint);
}

/** `M ‖ t0 ‖ Ŝ ‖ a ‖ a' ‖ s ‖ W ‖ ω` */
function readProof(bytes: Hex, blocks: number) {
  const digits = bytes.slice(2);
  const size = (POINT_DIGITS + 2 * SCALAR_DIGITS) * blocks + 2 * POINT_DIGITS + 3 * SCALAR_DIGITS;
  if (digits.length !== size) throw new ProofError(`a proof of ${digits.length / 2} bytes, not ${size / 2}`);
  let place = 0;
  const take = (length: number) => digits.slice(place, (place += length));
  const scalars = (count: number) => splitDigits(take(SCALAR_DIGITS * count), SCALAR_DIGITS).map(decodeScalar);
  const masks: Hex = `0x${take(POINT_DIGITS * blocks)}`;
  const [t0 = 0n] = scalars(1);
  const quotient: Hex = `0x${take(POINT_DIGITS)}`;
  const [a, aPrime, [s = 0n]] = [scalars(blocks), scalars(blocks), scalars(1)];
  const witness: Hex = `0x${take(POINT_DIGITS)}`;
  const [omega = 0n] = scalars(1);
  return { masks, t0, quotient, a, aPrime, s, witness, omega };
}
