/** A settled round as the chain tells it: out of the receipt of the transaction that settled it. */

import { parseEventLogs } from "viem";
import type { Address, Hex } from "viem";

import type { Figures, Inputs, Terms } from "../verify/figures";
import { range } from "../weighing/integers";
import { RULE_ABI, STEELYARD_ABI } from "./abi";
import type { Node } from "./provider";

/** Why the chain does not bear a round out. */
export class ChainMismatch extends Error {}

/** Which round, and where it is said to have been settled. */
export interface Place {
  readonly chainId: number;
  readonly marketplace: Address;
  readonly projectId: Hex;
  readonly round: number;
  readonly attempt: number;
  readonly transaction: Hex;
}

/** What the chain says of a round. */
export interface OnChain {
  readonly figures: Figures;
  readonly inputs: Inputs;
  readonly blockNumber: bigint;
}

const REASONS = ["none", "unavailable", "undecryptable", "malformed", "not_opening"];

/**
 * Reads a round from the events of its settlement and from the project's parameters.
 *
 * @throws ChainMismatch where the node is on another chain, or the transaction did not settle that round
 */
export async function readSettlement(node: Node, place: Place): Promise<OnChain> {
  const chainId = await node.getChainId();
  if (chainId !== place.chainId) throw new ChainMismatch(`your wallet is on chain ${chainId}, not ${place.chainId}`);
  const [receipt, terms] = await Promise.all([
    node.getTransactionReceipt({ hash: place.transaction }),
    readTerms(node, place),
  ]);
  const logs = receipt.logs.filter((log) => log.address.toLowerCase() === place.marketplace.toLowerCase());
  const named = { projectId: place.projectId, round: BigInt(place.round) };
  const [settled] = parseEventLogs({ abi: STEELYARD_ABI, eventName: "RoundSettled", logs, args: named });
  const [weighed] = parseEventLogs({ abi: STEELYARD_ABI, eventName: "RoundWeighed", logs, args: named });
  if (settled === undefined || weighed === undefined) {
    throw new ChainMismatch(`the transaction ${place.transaction} did not settle this round on ${place.marketplace}`);
  }
  if (settled.args.attempt !== BigInt(place.attempt) || weighed.args.attempt !== BigInt(place.attempt)) {
    throw new ChainMismatch(`the transaction settled attempt ${settled.args.attempt}, not ${place.attempt}`);
  }
  const { trainers, f, budget, weights, contributions, shares, opposed } = weighed.args;
  const { gram, commitments, proof } = settled.args.settlement;
  const exclusions = settled.args.settlement.exclusions.map(({ index, reason }) => ({
    index,
    reason: REASONS[reason] ?? String(reason),
  }));
  const figures = {
    rule: terms.rule,
    dimension: terms.dimension,
    gram,
    numByzantine: Number(f),
    budget,
    trainers,
    weights,
    contributions,
    shares,
    strikes: range(trainers.length).map((row) => ((opposed >> BigInt(row)) & 1n) === 1n),
    exclusions,
  };
  const inputs = { gram, commitments, proof, trainers, exclusions, terms };
  return { figures, inputs, blockNumber: receipt.blockNumber };
}

async function readTerms(node: Node, place: Place): Promise<Terms> {
  const { params } = await node.readContract({
    address: place.marketplace,
    abi: STEELYARD_ABI,
    functionName: "getProject",
    args: [place.projectId],
  });
  const rule = await node.readContract({ address: params.rule, abi: RULE_ABI, functionName: "name" });
  return {
    rule,
    dimension: BigInt(params.dimension),
    byzantineBps: params.byzantineBps,
    budget: params.budget,
    rounds: BigInt(params.rounds),
    feeBps: BigInt(params.aggregatorFeeBps),
  };
}
