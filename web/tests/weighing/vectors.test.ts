// @vitest-environment node

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { encodeHints } from "../../src/weighing/hints";
import { range } from "../../src/weighing/integers";
import { decodeGram, MatrixError } from "../../src/weighing/matrix";
import { computeShares } from "../../src/weighing/pay";
import { getRule, RuleError, RULES, weigh } from "../../src/weighing/registry";
import { getVerdict } from "../../src/weighing/weighing";

interface Outcome {
  readonly weights: readonly string[];
  readonly normaliser: string;
  readonly contributions: readonly string[];
  readonly opposed: readonly number[];
  readonly hints: string;
  readonly shares: readonly string[];
  readonly verdicts: readonly string[];
}

interface Case {
  readonly name: string;
  readonly n: number;
  readonly f: number;
  readonly d: number;
  readonly gram: string;
  readonly rules: Readonly<Record<string, Outcome>>;
}

interface Vectors {
  readonly rules: readonly string[];
  readonly budget: string;
  readonly count: number;
  readonly cases: readonly Case[];
}

const FILE = fileURLToPath(new URL("../../../tests/vectors/rules/weighings.json", import.meta.url));
const VECTORS = JSON.parse(readFileSync(FILE, "utf8")) as Vectors;

describe("the known answers of the rules", () => {
  it("has every rule that a contract computes", () => {
    expect(RULES.map((rule) => rule.name)).toEqual(VECTORS.rules);
    expect(VECTORS.cases).toHaveLength(VECTORS.count);
  });

  it.each(VECTORS.cases)("$name", ({ n, f, d, gram, rules }) => {
    for (const [name, expected] of Object.entries(rules)) {
      const weighing = weigh(getRule(name), decodeGram(gram, n), f, BigInt(d));
      const outcome: Outcome = {
        weights: weighing.weights.map(String),
        normaliser: String(weighing.normaliser),
        contributions: weighing.contributions.map(String),
        opposed: weighing.opposed,
        hints: encodeHints(weighing),
        shares: computeShares(BigInt(VECTORS.budget), weighing.contributions).shares.map(String),
        verdicts: range(n).map((row) => getVerdict(weighing, row)),
      };
      expect(outcome, name).toEqual(expected);
    }
  });
});

describe("what cannot be weighed", () => {
  it("is a matrix of another length, or with a negative squared norm", () => {
    expect(() => decodeGram("0x00", 3)).toThrow(MatrixError);
    const gram = decodeGram(`0x${"f".repeat(16)}${"0".repeat(5 * 16)}`, 3);
    expect(() => weigh(getRule("mean"), gram, 0, 10n)).toThrow("row 0 has the squared norm -1");
  });

  it("is a round with too few rows, or by an unknown rule", () => {
    const gram = decodeGram(`0x${"0".repeat(6 * 16)}`, 3);
    expect(() => weigh(getRule("mean"), gram, 1, 10n)).toThrow(RuleError);
    expect(() => getRule("median")).toThrow("does not know the rule median");
  });
});
