// @vitest-environment node

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

import { encodeHints } from "../../src/weighing/hints";
import { decodeGram } from "../../src/weighing/matrix";
import { computeNumByzantine, computeRowsBudget, computeShares } from "../../src/weighing/pay";
import { getRule, weigh } from "../../src/weighing/registry";
import { computeAbsentReputation, computeReputations } from "../../src/weighing/reputation";

const VECTORS = fileURLToPath(new URL("../../../tests/vectors/", import.meta.url));
const BUNDLES = readdirSync(`${VECTORS}gram`).filter((name) => name.startsWith("ev_"));

interface Bundle {
  readonly n: number;
  readonly d: number;
  readonly gram: string;
  readonly rule: { readonly name: string; readonly f: number };
  readonly budget: string;
  readonly weights: readonly string[];
  readonly shares: readonly string[];
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(`${VECTORS}${name}`, "utf8")) as T;
}

it.each(BUNDLES)("gives the weights and shares of the evidence bundle %s", (name) => {
  const bundle = read<Bundle>(`gram/${name}`);
  const weighing = weigh(getRule(bundle.rule.name), decodeGram(bundle.gram, bundle.n), bundle.rule.f, BigInt(bundle.d));
  expect(weighing.weights.map(String)).toEqual(bundle.weights);
  expect(computeShares(BigInt(bundle.budget), weighing.contributions).shares.map(String)).toEqual(bundle.shares);
});

interface Settlement {
  readonly gram: string;
  readonly hints: string;
  readonly shares: readonly number[];
  readonly opposed: number;
  readonly trainers: readonly string[];
}

/** What `scripts/generate_settlement.py` and the forge test pin. */
const [DIMENSION, BYZANTINE_BPS, SHAREABLE] = [2_410n, 3_000, 316_666_669n];

it("gives the hints, shares and strikes of the settlement that the contracts' test settles", () => {
  const vector = read<Settlement>("market/settlement.json");
  const n = vector.trainers.length;
  const f = computeNumByzantine(n, BYZANTINE_BPS);
  const weighing = weigh(getRule("clip-nnm-multi-krum"), decodeGram(vector.gram, n), f, DIMENSION);
  expect(encodeHints(weighing)).toBe(vector.hints);
  expect(computeShares(SHAREABLE, weighing.contributions).shares).toEqual(vector.shares.map(BigInt));
  expect(weighing.opposed.reduce((mask, row) => mask | (1 << row), 0)).toBe(vector.opposed);
});

it("takes the aggregator's fee first", () => {
  expect(computeRowsBudget(3n * 333_333_335n + 1n, 3n, 500n)).toBe(SHAREABLE);
});

it("moves reputations by an eighth, and of those who are absent by a sixteenth towards 0", () => {
  expect(computeReputations([5_000n, 5_000n, 5_000n, 7n], [3n, 1n, 0n, 0n])).toEqual([5_625n, 5_000n, 4_375n, 6n]);
  expect(computeReputations([5_000n, 1n], [0n, 0n])).toEqual([5_000n, 1n]);
  expect(computeAbsentReputation(5_000n)).toBe(4_687n);
  expect(computeAbsentReputation(1n)).toBe(0n);
});
