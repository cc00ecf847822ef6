/** Verifies one settled round: fetches what is said about it, weighs it again, and compares. */

import type { Hex } from "viem";

import { get } from "../api/client";
import type { ProjectDetail, RoundDetail } from "../api/schema";
import { openNode } from "../chain/provider";
import type { Provider } from "../chain/provider";
import { readSettlement } from "../chain/settlement";
import type { Market } from "../wallet/market";
import { compare, recompute } from "./figures";
import type { Check, Inputs, Recomputed, Statement } from "./figures";
import { checkProof } from "./proof";
import type { ProofOutcome } from "./proof";
import { readBundle, readExclusions, readInputs, readRound, readTerms } from "./statements";
import type { Bundle } from "./statements";

export const SERVER = "server";
export const BUNDLE = "evidence";
export const CHAIN = "chain";

export interface Verification {
  readonly recomputed: Recomputed;
  readonly checks: readonly Check[];
  readonly proof: ProofOutcome;
  /** Who says something; the chain only where a wallet lent its node. */
  readonly sources: readonly string[];
  /** The block of the settlement, as the wallet's node has it. */
  readonly blockNumber: bigint | null;
  readonly transaction: string;
}

/** Which round; the last attempt where none is named. */
export interface Round {
  readonly projectId: string;
  readonly round: number;
  readonly attempt: number | null;
}

/**
 * @param provider a wallet's node, from which matrix, parameters and figures are then taken; null where there is none
 * @throws ApiError, ChainMismatch, MatrixError, RuleError where there is nothing to verify, or it cannot be weighed
 */
export async function verifyRound(which: Round, market: Market, provider: Provider | null): Promise<Verification> {
  const path = `/v1/projects/${which.projectId}/rounds/${which.round}`;
  const query = { attempt: which.attempt };
  const [project, round, bundle] = await Promise.all([
    get<ProjectDetail>(`/v1/projects/${which.projectId}`),
    get<RoundDetail>(path, query),
    get<Bundle>(`${path}/evidence`, query),
  ]);
  const statements: Statement[] = [
    { source: SERVER, figures: readRound(round) },
    { source: BUNDLE, figures: readBundle(bundle) },
  ];
  const transaction = round.settled_transaction ?? "";
  let inputs: Inputs = readInputs(bundle, readExclusions(round), readTerms(project));
  let blockNumber: bigint | null = null;
  if (provider !== null) {
    const onChain = await readSettlement(openNode(provider), {
      ...market,
      projectId: which.projectId as Hex,
      round: which.round,
      attempt: round.attempt,
      transaction: transaction as Hex,
    });
    inputs = onChain.inputs;
    blockNumber = onChain.blockNumber;
    statements.push({ source: CHAIN, figures: onChain.figures });
  }
  const recomputed = recompute(inputs);
  const checks = compare(recomputed.figures, statements);
  const where = { ...market, projectId: which.projectId as Hex, round: which.round };
  const proof = await checkProof(inputs, where, bundle.N);
  return { recomputed, checks, proof, sources: statements.map(({ source }) => source), blockNumber, transaction };
}
