// @vitest-environment node

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Hex } from "viem";

import { decodePoint, G1, G2 } from "../../src/gram/points";
import { BLINDING, POWERS, TAU_1, TAU_2, TAU_SQUARED_2 } from "../../src/gram/reference-string";
import { verifyGram } from "../../src/gram/verify-gram";
import type { Claim } from "../../src/gram/verify-gram";

const VECTORS = fileURLToPath(new URL("../../../tests/vectors/", import.meta.url));

/** Of each file every so many cases: all of them take minutes. `STEELYARD_ALL_VECTORS=1` takes all. */
const EVERY = process.env["STEELYARD_ALL_VECTORS"] === undefined ? 13 : 1;

interface Case extends Claim {
  readonly name: string;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(`${VECTORS}${name}`, "utf8")) as T;
}

function sample(file: string): Case[] {
  const { powers, cases } = read<{ powers: number; cases: Case[] }>(`gram/${file}.json`);
  expect(powers).toBe(POWERS);
  return cases.filter((_, place) => place % EVERY === 0);
}

/** The kind of fault that is found; a fault of our own would be another. */
function judge(claim: Claim): string {
  try {
    verifyGram(claim);
    return "accepted";
  } catch (error) {
    return (error as Error).constructor.name;
  }
}

describe("the reference string", () => {
  const points = read<Record<"g1One" | "g1Tau" | "blinding" | "g2One" | "g2Tau" | "g2Tau2", Hex>>("srs/ethereum.json");
  const decodeG2 = (hex: Hex) => {
    const [x0 = 0n, x1 = 0n, y0 = 0n, y1 = 0n] = (hex.slice(2).match(/.{128}/g) ?? []).map((part) => BigInt(`0x${part}`));
    return G2.fromAffine({ x: { c0: x0, c1: x1 }, y: { c0: y0, c1: y1 } });
  };

  it("is the ceremony's", () => {
    expect(decodePoint(points.g1One.slice(2)).equals(G1.BASE)).toBe(true);
    expect(decodePoint(points.g1Tau.slice(2)).equals(TAU_1)).toBe(true);
    expect(decodePoint(points.blinding.slice(2)).equals(BLINDING)).toBe(true);
    expect(decodeG2(points.g2One).equals(G2.BASE)).toBe(true);
    expect(decodeG2(points.g2Tau).equals(TAU_2)).toBe(true);
    expect(decodeG2(points.g2Tau2).equals(TAU_SQUARED_2)).toBe(true);
  });
});

describe("the known answers of the proof", () => {
  it.each(sample("valid").map((each) => [each.name, each] as const))("accepts %s", (_, claim) => {
    expect(judge(claim)).toBe("accepted");
  });

  it.each(
    [...sample("invalid"), ...sample("malformed")].map((each) => [each.name, each] as const),
  )("refuses %s", (_, claim) => {
    expect(judge(claim)).toMatch(/^(ProofError|MatrixError)$/);
  });
});
