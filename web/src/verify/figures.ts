/** What somebody says about a settled round, as text that can be held against what somebody else says. */

import { keccak256 } from "viem";
import type { Hex } from "viem";

import { at, range } from "../weighing/integers";
import { decodeGram } from "../weighing/matrix";
import { computeNumByzantine, computeRowsBudget, computeShares } from "../weighing/pay";
import { getRule, weigh } from "../weighing/registry";
import { getVerdict } from "../weighing/weighing";
import type { Verdict, Weighing } from "../weighing/weighing";

/** A submission that was not weighed: its place in the order of submission, and the reported reason. */
export interface Exclusion {
  readonly index: number;
  readonly reason: string;
}

/** A figure that a source does not give is absent. Lists are by row, in the order of submission, a root last. */
export interface Figures {
  readonly rule?: string;
  readonly dimension?: bigint;
  readonly gram?: string;
  readonly numByzantine?: number;
  readonly budget?: bigint;
  readonly trainers?: readonly string[];
  readonly commitmentHashes?: readonly string[];
  readonly weights?: readonly bigint[];
  readonly contributions?: readonly bigint[];
  readonly shares?: readonly bigint[];
  readonly strikes?: readonly boolean[];
  readonly exclusions?: readonly Exclusion[];
}

/** What a round is weighed from: its matrix, and what the project fixed when it was created. */
export interface Inputs {
  readonly gram: Hex;
  /** `C_1^0 ‖ … ‖ C_n^{B−1}`, the commitments of the rows. */
  readonly commitments: Hex;
  /** That `gram` is the matrix of the committed updates. */
  readonly proof: Hex;
  readonly trainers: readonly string[];
  readonly exclusions: readonly Exclusion[];
  readonly terms: Terms;
}

/** The parameters of a project that a round's arithmetic needs. */
export interface Terms {
  readonly rule: string;
  readonly dimension: bigint;
  readonly byzantineBps: number;
  readonly budget: bigint;
  readonly rounds: bigint;
  readonly feeBps: bigint;
}

/** A round weighed again. */
export interface Recomputed {
  readonly figures: Figures & { readonly trainers: readonly string[] };
  readonly weighing: Weighing;
  readonly verdicts: readonly Verdict[];
  /** How many submissions could be left out before nobody may settle. */
  readonly maxExclusions: number;
}

/**
 * Weighs a round again, from its matrix to each share.
 *
 * @throws MatrixError, RuleError, RangeError where it cannot be weighed
 */
export function recompute(inputs: Inputs): Recomputed {
  const { gram, trainers, exclusions, terms } = inputs;
  const rule = getRule(terms.rule);
  const trained = trainers.length - (rule.rooted ? 1 : 0);
  const numByzantine = computeNumByzantine(trained, terms.byzantineBps);
  const budget = computeRowsBudget(terms.budget, terms.rounds, terms.feeBps);
  const weighing = weigh(rule, decodeGram(gram, trainers.length), numByzantine, terms.dimension);
  const { shares } = computeShares(budget, weighing.contributions);
  return {
    figures: {
      rule: terms.rule,
      dimension: terms.dimension,
      gram,
      numByzantine,
      budget,
      trainers,
      commitmentHashes: hashCommitments(inputs.commitments, trainers.length),
      weights: weighing.weights,
      contributions: weighing.contributions,
      shares,
      strikes: range(trainers.length).map((row) => weighing.opposed.includes(row)),
      exclusions,
    },
    weighing,
    verdicts: range(trainers.length).map((row) => getVerdict(weighing, row)),
    maxExclusions: computeNumByzantine(trained + exclusions.length, terms.byzantineBps),
  };
}

/** What each trainer posted on chain when it submitted. */
export function hashCommitments(commitments: Hex, n: number): Hex[] {
  const size = (commitments.length - 2) / n;
  return range(n).map((row) => keccak256(`0x${commitments.slice(2 + row * size, 2 + (row + 1) * size)}`));
}

/** One figure, what it is by our own reckoning, and what each source says. */
export interface Check {
  readonly figure: string;
  /** The row that it is of; null for a figure of the whole round. */
  readonly row: number | null;
  readonly computed: string;
  readonly claims: readonly Claim[];
}

/** What a source says; `text` is null where it says nothing. */
export interface Claim {
  readonly source: string;
  readonly text: string | null;
  readonly equal: boolean;
}

/** Somebody's figures. */
export interface Statement {
  readonly source: string;
  readonly figures: Figures;
}

const OF_ROUND = [
  ["matrix G", (figures: Figures) => figures.gram?.toLowerCase()],
  ["rule", (figures: Figures) => figures.rule],
  ["parameters of the model", (figures: Figures) => figures.dimension?.toString()],
  ["rows", (figures: Figures) => figures.trainers?.length.toString()],
  ["rows assumed dishonest, f", (figures: Figures) => figures.numByzantine?.toString()],
  ["what the rows share", (figures: Figures) => figures.budget?.toString()],
  ["left out, by place and reason", (figures: Figures) => describeExclusions(figures.exclusions)],
] as const;

const OF_ROW = [
  ["trainer", (figures: Figures) => figures.trainers?.map((trainer) => trainer.toLowerCase())],
  ["commitment's hash", (figures: Figures) => figures.commitmentHashes],
  ["weight", (figures: Figures) => figures.weights?.map(String)],
  ["contribution", (figures: Figures) => figures.contributions?.map(String)],
  ["share", (figures: Figures) => figures.shares?.map(String)],
  ["strike", (figures: Figures) => figures.strikes?.map((strike) => (strike ? "yes" : "no"))],
] as const;

/** Holds each figure against every statement, figure by figure and row by row. */
export function compare(computed: Recomputed["figures"], statements: readonly Statement[]): Check[] {
  const ofRound = OF_ROUND.map(([figure, read]) =>
    check(figure, null, read(computed) ?? "", statements, (figures) => read(figures) ?? null),
  );
  const ofRows = OF_ROW.flatMap(([figure, read]) =>
    range(computed.trainers.length).map((row) =>
      check(figure, row, at(read(computed) ?? [], row), statements, (figures) => readRow(read(figures), row)),
    ),
  );
  return [...ofRound, ...ofRows];
}

/** A list that is too short contradicts: it has no figure where there must be one. */
function readRow(values: readonly string[] | undefined, row: number): string | null {
  return values === undefined ? null : (values[row] ?? "missing");
}

function check(
  figure: string,
  row: number | null,
  computed: string,
  statements: readonly Statement[],
  read: (figures: Figures) => string | null,
): Check {
  const claims = statements.map(({ source, figures }) => {
    const text = read(figures);
    return { source, text, equal: text === computed };
  });
  return { figure, row, computed, claims };
}

function describeExclusions(exclusions: readonly Exclusion[] | undefined): string | undefined {
  if (exclusions === undefined) return undefined;
  return exclusions.map(({ index, reason }) => `${index} ${reason}`).join(", ") || "none";
}

/** Whether nothing that anybody says contradicts what was computed. */
export function allEqual(checks: readonly Check[]): boolean {
  return checks.every((each) => each.claims.every((claim) => claim.text === null || claim.equal));
}
