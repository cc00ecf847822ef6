/** The Ethereum KZG ceremony, as far as a verifier needs it (docs/proof.md, section 1). */

import { bls12_381 } from "@noble/curves/bls12-381";

import { G1, G2 } from "./points";
import type { PointG1 } from "./points";

/** `N`, its number of powers. */
export const POWERS = 4_096;

/** `K`: coefficients of a block that carry the prover's mask. */
const MASK_SLOTS = 8;

/** `[τ]₁, [τ]₂, [τ²]₂`, compressed. */
export const TAU_1 = G1.fromHex(
  "ad3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81",
);
export const TAU_2 = G2.fromHex(
  "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72" +
    "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2",
);
export const TAU_SQUARED_2 = G2.fromHex(
  "b5337ba0ce5d37224290916e268e2060e5c14f3f9fc9e1ec3af5a958e7a0303122500ce18f1a4640bf66525bd10e7635" +
    "01fe986d86649d8d45143c08c3209db3411802c226e9fe9a55716ac4a0c14f9dcef9e70b2bb309553880dc5025eab3cc",
);

/** `H`, of unknown logarithm, drawn by RFC 9380. */
export const BLINDING: PointG1 = drawBlinding();

function drawBlinding(): PointG1 {
  const message = new TextEncoder().encode("steelyard/blinding-generator/v1");
  const domain = "STEELYARD-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
  return G1.fromAffine(bls12_381.G1.hashToCurve(message, { DST: domain }).toAffine());
}

/** `B = ⌈d / (N − K)⌉` */
export function countBlocks(d: number): number {
  return Math.ceil(d / (POWERS - MASK_SLOTS));
}
