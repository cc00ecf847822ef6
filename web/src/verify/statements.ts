/** What the backend says of a round: on its pages, and in its evidence bundle. */

import { concatHex, numberToHex } from "viem";
import type { Hex } from "viem";

import type { ProjectDetail, RoundDetail } from "../api/schema";
import type { Exclusion, Figures, Inputs, Terms } from "./figures";

/** A proof as a bundle spells it: byte strings in hexadecimal, scalars in decimal. */
export interface ProofFields {
  readonly M: Hex;
  readonly t0: string;
  readonly S: Hex;
  readonly a: readonly string[];
  readonly aPrime: readonly string[];
  readonly s: string;
  readonly W: Hex;
  readonly omega: string;
}

/** The part of an evidence bundle (docs/proof.md, section 9) that the weighing is about. */
export interface Bundle {
  readonly trainers: readonly string[];
  readonly commitmentHashes: readonly string[];
  readonly n: number;
  readonly d: number;
  readonly N: number;
  readonly commitments: Hex;
  readonly gram: Hex;
  readonly proof: ProofFields;
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
    commitmentHashes: bundle.commitmentHashes,
    weights: bundle.weights.map(BigInt),
    shares: bundle.shares.map(BigInt),
  };
}

/** The figures of a round's page. Rows that it does not number were not weighed. */
export function readRound(round: RoundDetail): Figures {
  const rows = round.entries.filter((entry) => entry.row !== null).sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
  const figures = {
    trainers: rows.map((entry) => entry.trainer),
    commitmentHashes: rows.map((entry) => entry.commitment_hash),
    weights: rows.map((entry) => BigInt(entry.weight ?? -1)),
    contributions: rows.map((entry) => BigInt(entry.contribution ?? -1)),
    shares: rows.map((entry) => BigInt(entry.share ?? -1)),
    strikes: rows.map((entry) => entry.opposed),
    exclusions: readExclusions(round),
  };
  const numByzantine = round.num_byzantine === null ? {} : { numByzantine: round.num_byzantine };
  return { ...figures, ...numByzantine, ...(round.budget === null ? {} : { budget: BigInt(round.budget) }) };
}

export function readExclusions(round: RoundDetail): Exclusion[] {
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

/** `M ‖ t0 ‖ Ŝ ‖ a ‖ a' ‖ s ‖ W ‖ ω`, as the chain has it. */
function encodeProof({ M, t0, S, a, aPrime, s, W, omega }: ProofFields): Hex {
  const scalar = (text: string) => numberToHex(BigInt(text), { size: 32 });
  return concatHex([M, scalar(t0), S, ...[...a, ...aPrime, s].map(scalar), W, scalar(omega)]);
}

/** What to weigh where nobody but the backend is to be asked. */
export function readInputs(bundle: Bundle, exclusions: readonly Exclusion[], terms: Terms): Inputs {
  const { gram, commitments, trainers } = bundle;
  return { gram, commitments, proof: encodeProof(bundle.proof), trainers, exclusions, terms };
}
