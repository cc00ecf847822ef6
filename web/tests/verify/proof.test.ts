// @vitest-environment node

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { numberToHex } from "viem";
import type { Address, Hex } from "viem";

import type { Inputs } from "../../src/verify/figures";
import { checkProof } from "../../src/verify/proof";
import { readInputs } from "../../src/verify/statements";
import type { Bundle } from "../../src/verify/statements";

const VECTORS = fileURLToPath(new URL("../../../tests/vectors/gram/", import.meta.url));
const NAMES = readdirSync(VECTORS).filter((name) => name.startsWith("ev_"));

interface Whole extends Bundle {
  readonly chainId: string;
  readonly marketplace: Address;
  readonly projectId: string;
  readonly round: string;
}

function read(name: string) {
  const bundle = JSON.parse(readFileSync(`${VECTORS}${name}`, "utf8")) as Whole;
  const terms = {
    ...{ rule: bundle.rule.name, dimension: BigInt(bundle.d), byzantineBps: 0 },
    ...{ budget: 0n, rounds: 1n, feeBps: 0n },
  };
  const where = {
    chainId: Number(bundle.chainId),
    marketplace: bundle.marketplace,
    projectId: numberToHex(BigInt(bundle.projectId), { size: 32 }),
    round: Number(bundle.round),
  };
  return { inputs: readInputs(bundle, [], terms), where, powers: bundle.N };
}

it.each(NAMES)("holds in %s", async (name) => {
  const { inputs, where, powers } = read(name);
  expect(await checkProof(inputs, where, powers)).toEqual({ name: "holds" });
});

describe("a proof", () => {
  const { inputs, where, powers } = read("ev_3_5_plain.json");
  const flip = (bytes: Hex): Hex => `${bytes.slice(0, -1)}${bytes.endsWith("0") ? "1" : "0"}` as Hex;
  const lies: readonly (readonly [string, Partial<Inputs>])[] = [
    ["another matrix", { gram: flip(inputs.gram) }],
    ["another proof", { proof: flip(inputs.proof) }],
    ["another order of trainers", { trainers: inputs.trainers.toReversed() }],
    ["other commitments", { commitments: flip(inputs.commitments) }],
    ["another dimension", { terms: { ...inputs.terms, dimension: 6n } }],
  ];

  it.each(lies)("does not hold for %s", async (_, lie) => {
    expect(await checkProof({ ...inputs, ...lie }, where, powers)).toMatchObject({ name: "fails" });
  });

  it("does not hold for another round, project, marketplace or chain", async () => {
    for (const lie of [{ round: where.round + 1 }, { projectId: flip(where.projectId) }, { chainId: 1 }]) {
      expect(await checkProof(inputs, { ...where, ...lie }, powers)).toMatchObject({ name: "fails" });
    }
  });

  it("is not judged over a reference string that the page does not have", async () => {
    expect(await checkProof(inputs, where, 8_192)).toMatchObject({ name: "unknown" });
  });
});
