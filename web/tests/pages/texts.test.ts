import { describe, expect, it } from "vitest";

import type { ProjectDetail, RoundSummary } from "../../src/api/schema";
import { describeNow } from "../../src/pages/project/progress";
import { readFilters, toQuery, writeFilters } from "../../src/pages/projects/filters";
import { DEFAULTS, readPlan, toQuery as planQuery, writePlan } from "../../src/pages/quote/plan";
import { parseParagraph } from "../../src/pages/round/paragraphs";
import { describeRecord } from "../../src/parts/record";

describe("filters", () => {
  it("come back from the address as they went into it", () => {
    const filters = { q: "krum 0x5e", state: "running", min_stake: "1.5" };
    expect(readFilters(new URL(writeFilters(filters), "http://x").search)).toEqual(filters);
    expect(writeFilters({})).toBe("/");
    expect(readFilters("?q=+&other=1")).toEqual({});
  });

  it("ask for stakes in the token's smallest unit, and pass on what is no number", () => {
    expect(toQuery({ min_stake: "1.5", max_stake: "x" }, 6)).toMatchObject({ min_stake: "1500000", max_stake: "x" });
    expect(toQuery({ min_stake: "2" }, null)).toMatchObject({ min_stake: `2${"0".repeat(18)}` });
  });
});

describe("plans", () => {
  it("come back from the address, and are asked for in basis points and wei", () => {
    const plan = { ...DEFAULTS, trainers: "5", byzantine_percent: "12.5", gas_price_gwei: "0.25" };
    expect(readPlan(new URL(writePlan(plan), "http://x").search)).toEqual(plan);
    expect(planQuery(plan)).toMatchObject({ trainers: "5", byzantine_bps: "1250", gas_price_wei: "250000000" });
  });
});

describe("parseParagraph", () => {
  it("finds the name, accounts and large numbers, and loses nothing", () => {
    const account = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    const { name, pieces } = parseParagraph(`Pay: ${account} has 1,234,567 of 0.95 in 7 rows.`);
    expect(name).toBe("Pay");
    expect(pieces.map((piece) => piece.text).join("")).toBe(`${account} has 1,234,567 of 0.95 in 7 rows.`);
    expect(pieces.filter((piece) => piece.kind !== "text")).toEqual([
      { kind: "address", text: account },
      { kind: "number", text: "1,234,567" },
    ]);
  });

  it("takes a text without a name as it is", () => {
    expect(parseParagraph("nothing here")).toEqual({ name: "", pieces: [{ kind: "text", text: "nothing here" }] });
  });
});

describe("describeNow", () => {
  const project = { state: "running", rounds: 5, trainers: 4, max_trainers: 7, min_trainers: 5 } as ProjectDetail;
  const round = { round: 1, attempt: 2, state: "collecting", outcome: "none", submissions: 3, members: 7 } as RoundSummary;

  it("says how far the round is", () => {
    expect(describeNow(project, round)).toBe("Round 1 of 5: 3 of 7 updates are there.");
    expect(describeNow(project, { ...round, attempt: 4, state: "weighing" })).toBe(
      "Round 1 of 5, attempt 4: the aggregator weighs 3 updates.",
    );
    const attesting = { ...round, state: "attesting", approvals: 2, objections: 1, attesters: 5 };
    expect(describeNow(project, attesting)).toContain("3 of 5 trainers have attested, 1 against");
    expect(describeNow(project, { ...round, state: "decided", outcome: "void" })).toContain("void");
  });

  it("says how many have enrolled", () => {
    expect(describeNow({ ...project, state: "enrolling" }, undefined)).toBe(
      "4 of 7 trainers have enrolled; 5 are needed.",
    );
    expect(describeNow(project, undefined)).toBe("No round has begun.");
  });
});

describe("describeRecord", () => {
  it("counts outcomes, the good ones first", () => {
    expect(describeRecord({ missed: 1, final: 12, void: 0 })).toBe("12 final, 1 missed by the aggregator");
    expect(describeRecord({})).toBe("no attempt yet");
  });
});
