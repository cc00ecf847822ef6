/** The calls that the page makes, and how each is encoded: the page does not take the backend's word for it. */

import { encodeFunctionData, zeroAddress } from "viem";
import type { Address, Hex } from "viem";

import type { ChainTerms } from "../api/schema";
import { STEELYARD_ABI, TOKEN_ABI } from "../chain/abi";
import { parseCid } from "../chain/cid";
import type { Market } from "./market";

/** An ERC-2612 signature, as the backend takes it. */
export interface PermitFields {
  readonly deadline: number;
  readonly v: number;
  readonly r: Hex;
  readonly s: Hex;
}

export interface CreateProject {
  readonly name: "createProject";
  readonly token: Address;
  readonly spec_cid: string;
  readonly chain: Required<ChainTerms>;
  readonly permit: PermitFields | null;
}

export interface Deposit {
  readonly name: "deposit";
  readonly token: Address;
  readonly amount: string;
  readonly permit: PermitFields | null;
}

export interface GrantAccess {
  readonly name: "grantAccess";
  readonly project_id: Hex;
  readonly reader: Address;
  readonly from_round: number;
  readonly manifest_cid: string;
}

/** What the backend makes a transaction of (`POST /v1/transactions`). */
export type Call =
  | CreateProject
  | Deposit
  | GrantAccess
  | { readonly name: "approve" | "unbond"; readonly token: Address; readonly amount: string }
  | { readonly name: "start" | "cancel" | "poke" | "enrol" | "leave"; readonly project_id: Hex }
  | { readonly name: "claim" | "withdraw"; readonly token: Address; readonly recipient: Address }
  | { readonly name: "registerKey" | "registerHybridKey"; readonly key: Hex }
  | { readonly name: "revokeAccess"; readonly project_id: Hex; readonly reader: Address };

/** What a call is encoded with beside its own fields. */
export interface Context {
  readonly market: Market;
  readonly sender: Address;
  /** Of the model of the project that is created. */
  readonly dimension?: number;
}

export interface Encoded {
  readonly to: Address;
  readonly data: Hex;
}

/** A call as it must be on the wire. */
export function encodeCall(call: Call, context: Context): Encoded {
  const to = context.market.marketplace;
  const abi = STEELYARD_ABI;
  switch (call.name) {
    case "approve": {
      const args = [to, BigInt(call.amount)] as const;
      return { to: call.token, data: encodeFunctionData({ abi: TOKEN_ABI, functionName: "approve", args }) };
    }
    case "createProject":
      return { to, data: encodeCreate(call, context) };
    case "deposit": {
      const [token, amount] = [call.token, BigInt(call.amount)];
      if (call.permit === null) {
        return { to, data: encodeFunctionData({ abi, functionName: "deposit", args: [token, amount] }) };
      }
      const args = [token, amount, readPermit(call.permit)] as const;
      return { to, data: encodeFunctionData({ abi, functionName: "depositWithPermit", args }) };
    }
    case "unbond":
      return { to, data: encodeFunctionData({ abi, functionName: "unbond", args: [call.token, BigInt(call.amount)] }) };
    case "claim":
    case "withdraw":
      return { to, data: encodeFunctionData({ abi, functionName: call.name, args: [call.token, call.recipient] }) };
    case "registerKey":
    case "registerHybridKey":
      return { to, data: encodeFunctionData({ abi, functionName: call.name, args: [call.key] }) };
    case "grantAccess": {
      const args = [call.project_id, call.reader, BigInt(call.from_round), parseCid(call.manifest_cid)] as const;
      return { to, data: encodeFunctionData({ abi, functionName: "grantAccess", args }) };
    }
    case "revokeAccess":
      return { to, data: encodeFunctionData({ abi, functionName: "revokeAccess", args: [call.project_id, call.reader] }) };
    default:
      return { to, data: encodeFunctionData({ abi, functionName: call.name, args: [call.project_id] }) };
  }
}

function encodeCreate(call: CreateProject, { market, sender, dimension = 0 }: Context): Hex {
  const { chain } = call;
  const rule = market.rules[chain.rule];
  if (rule === undefined) throw new RangeError(`this marketplace does not offer the rule ${chain.rule}`);
  const params = {
    owner: sender,
    token: call.token,
    budget: BigInt(chain.budget),
    rounds: chain.rounds,
    minTrainers: chain.min_trainers,
    maxTrainers: chain.max_trainers,
    minReputationBps: chain.min_reputation_bps,
    byzantineBps: chain.byzantine_bps,
    minStake: BigInt(chain.min_stake),
    aggregatorFeeBps: chain.aggregator_fee_bps,
    slashBps: chain.slash_bps,
    maxStrikes: chain.max_strikes,
    maxAbsences: chain.max_absences,
    aggregatorStake: BigInt(chain.aggregator_stake),
    aggregatorSlashBps: chain.aggregator_slash_bps,
    enrolSeconds: chain.enrol_seconds,
    submitSeconds: chain.submit_seconds,
    settleSeconds: chain.settle_seconds,
    attestSeconds: chain.attest_seconds,
    dimension,
    rule,
    verifier: market.verifier,
    aggregator: (chain.aggregator ?? zeroAddress) as Address,
    specCid: parseCid(call.spec_cid),
  };
  const abi = STEELYARD_ABI;
  if (call.permit === null) return encodeFunctionData({ abi, functionName: "createProject", args: [params] });
  const args = [params, readPermit(call.permit)] as const;
  return encodeFunctionData({ abi, functionName: "createProjectWithPermit", args });
}

function readPermit({ deadline, v, r, s }: PermitFields) {
  return { deadline: BigInt(deadline), v, r, s };
}
