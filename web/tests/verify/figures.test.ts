// @vitest-environment node

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { allEqual, compare, recompute } from "../../src/verify/figures";
import type { Figures, Inputs, Statement } from "../../src/verify/figures";
import { readBundle, readInputs } from "../../src/verify/statements";
import type { Bundle } from "../../src/verify/statements";

const FILE = fileURLToPath(new URL("../../../tests/vectors/gram/ev_7_2410_bad.json", import.meta.url));
const BUNDLE = JSON.parse(readFileSync(FILE, "utf8")) as Bundle;
const HONEST = readBundle(BUNDLE);

const INPUTS: Inputs = {
  ...readInputs(BUNDLE, [{ index: 2, reason: "unavailable" }], {
    rule: BUNDLE.rule.name,
    dimension: BigInt(BUNDLE.d),
    byzantineBps: 3_000,
    budget: 3n * BigInt(BUNDLE.budget),
    rounds: 3n,
    feeBps: 0n,
  }),
};

function compareWith(figures: Figures) {
  const statement: Statement = { source: "server", figures };
  return compare(recompute(INPUTS).figures, [statement]);
}

describe("a round weighed again", () => {
  it("bears out an honest bundle, figure by figure", () => {
    const checks = compareWith(HONEST);
    expect(allEqual(checks)).toBe(true);
    expect(checks).toHaveLength(7 + 6 * BUNDLE.n);
    const silent = checks.filter(({ claims }) => claims[0]?.text === null).map(({ figure }) => figure);
    expect(new Set(silent)).toEqual(new Set(["left out, by place and reason", "contribution", "strike"]));
  });

  it("has a verdict for each row, and the most that may be left out", () => {
    const { verdicts, maxExclusions } = recompute(INPUTS);
    expect(verdicts.filter((verdict) => verdict === "paid").length).toBeGreaterThan(2);
    expect(verdicts).toHaveLength(BUNDLE.n);
    expect(maxExclusions).toBe(2);
  });

  const shares = HONEST.shares ?? [];
  const lies: readonly (readonly [string, Figures, string, number | null])[] = [
    ["a share", { ...HONEST, shares: shares.with(3, (shares[3] ?? 0n) + 1n) }, "share", 3],
    ["a share that is missing", { ...HONEST, shares: shares.slice(0, -1) }, "share", BUNDLE.n - 1],
    ["a weight", { ...HONEST, weights: (HONEST.weights ?? []).with(0, 1n) }, "weight", 0],
    ["the order of trainers", { ...HONEST, trainers: BUNDLE.trainers.toReversed() }, "trainer", 0],
    ["f", { ...HONEST, numByzantine: 1 }, "rows assumed dishonest, f", null],
    ["the budget", { ...HONEST, budget: 1n }, "what the rows share", null],
    ["the matrix", { ...HONEST, gram: `${BUNDLE.gram.slice(0, -1)}${BUNDLE.gram.endsWith("0") ? "1" : "0"}` }, "matrix G", null],
    ["a commitment", { ...HONEST, commitmentHashes: BUNDLE.commitmentHashes.toReversed() }, "commitment's hash", 0],
    ["the rule", { ...HONEST, rule: "mean" }, "rule", null],
    ["who was left out", { ...HONEST, exclusions: [] }, "left out, by place and reason", null],
  ];

  it.each(lies)("contradicts a lie about %s", (_, figures, figure, row) => {
    const wrong = compareWith(figures).filter(({ claims }) => claims.some((claim) => claim.text !== null && !claim.equal));
    expect(wrong.map((check) => [check.figure, check.row])).toContainEqual([figure, row]);
    expect(allEqual(wrong)).toBe(false);
  });
});
