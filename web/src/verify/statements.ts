/** What the backend says of a round: on its pages, and in its evidence bundle. */

import type { ProjectDetail, RoundDetail } from "../api/schema";
import type { Figures, Inputs, Terms } from "./figures";

/** The part of an evidence bundle (docs/proof.md, section 9) that the weighing is about. */
export interface Bundle {
  readonly trainers: readonly string[];
  readonly commitmentHashes: readonly string[];
  readonly n: number;
  readonly d: number;
  readonly commitments: string;
  readonly gram: string;
  readonly rule: { readonly name: string; readonly f: number };
  readonly weights: readonly string[];
  readonly budget: string;
  readonly shares: readonly string[];
}

export function readBundle(bundle: Bundle): Figures {
  return {
    rule: bundle.rule.name,
    dimension: BigInt(bundle.d),
    gram: bundle.gram,
    numByzantine: bundle.rule.f,
    budget: BigInt(bundle.budget),
    trainers: bundle.trainers,
    weights: bundle.weights.map(BigInt),
    shares: bundle.shares.map(BigInt),
  };
}

/** The figures of a round's page. Rows that it does not number were not weighed. */
export function readRound(round: RoundDetail): Figures {
  const rows = round.entries.filter((entry) => entry.row !== null).sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
  const figures = {
    trainers: rows.map((entry) => entry.trainer),
    weights: rows.map((entry) => BigInt(entry.weight ?? -1)),
    contributions: rows.map((entry) => BigInt(entry.contribution ?? -1)),
    shares: rows.map((entry) => BigInt(entry.share ?? -1)),
    strikes: rows.map((entry) => entry.opposed),
    exclusions: readExclusions(round),
  };
  const numByzantine = round.num_byzantine === null ? {} : { numByzantine: round.num_byzantine };
  return { ...figures, ...numByzantine, ...(round.budget === null ? {} : { budget: BigInt(round.budget) }) };
}

function readExclusions(round: RoundDetail) {
  return round.entries
    .filter((entry) => entry.excluded !== "none")
    .map((entry) => ({ index: entry.position, reason: entry.excluded }));
}

export function readTerms(project: ProjectDetail): Terms {
  return {
    rule: project.rule_name,
    dimension: BigInt(project.dimension),
    byzantineBps: project.byzantine_bps,
    budget: BigInt(project.budget),
    rounds: BigInt(project.rounds),
    feeBps: BigInt(project.aggregator_fee_bps),
  };
}

/** What to weigh where nobody but the backend is to be asked. */
export function readInputs(project: ProjectDetail, round: RoundDetail, bundle: Bundle): Inputs {
  const { gram, trainers } = bundle;
  return { gram, trainers, exclusions: readExclusions(round), terms: readTerms(project) };
}
