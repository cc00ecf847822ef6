/** What a transaction does, in words: read from its bytes, which are what the wallet signs. */

import { decodeFunctionData, formatEther, isAddressEqual, zeroAddress } from "viem";
import type { Address, Hex } from "viem";

import { STEELYARD_ABI, TOKEN_ABI } from "../chain/abi";
import { formatAmount } from "../chain/token";
import type { Token } from "../chain/token";

/** A question to the user: what is about to be signed. */
export interface Prompt {
  readonly title: string;
  readonly details: readonly (readonly [label: string, value: string])[];
}

/** The token that a transaction moves, whose name and unit the words need; null where it moves none. */
export function findToken(to: Address, data: Hex, marketplace: Address): Address | null {
  if (!isAddressEqual(to, marketplace)) return to;
  const { args } = decodeFunctionData({ abi: STEELYARD_ABI, data });
  const [first] = args ?? [];
  if (typeof first === "object" && "token" in first) return first.token;
  return typeof first === "string" && first.length === 42 ? first : null;
}

/** @throws where the bytes are no call of ours */
export function describeCall(to: Address, data: Hex, marketplace: Address, token: Token | null): Prompt {
  const amount = (value: bigint) => (token === null ? value.toString() : formatAmount(value, token));
  const name = token?.symbol ?? token?.address ?? "the token";
  if (!isAddressEqual(to, marketplace)) {
    const call = decodeFunctionData({ abi: TOKEN_ABI, data });
    if (call.functionName !== "approve") throw new RangeError(`a call of ${call.functionName} on a token`);
    const [spender, value] = call.args;
    const details = [["May be taken by", spender], ["Amount", amount(value)]] as const;
    return { title: `Let the marketplace take ${amount(value)}`, details };
  }
  const call = decodeFunctionData({ abi: STEELYARD_ABI, data });
  switch (call.functionName) {
    case "createProject":
    case "createProjectWithPermit": {
      const [params] = call.args;
      return {
        title: `Create a project and pay ${amount(params.budget)} into its escrow`,
        details: [
          ["Owner", params.owner],
          ["Rounds", String(params.rounds)],
          ["Trainers", `${params.minTrainers} to ${params.maxTrainers}`],
          ["A trainer's stake", amount(params.minStake)],
          ["Aggregator's fee", `${params.aggregatorFeeBps / 100} % of each round`],
          ["Preferred aggregator", params.aggregator === zeroAddress ? "none" : params.aggregator],
          ["Rule", params.rule],
          ["Parameters of the model", params.dimension.toLocaleString("en")],
          ["Specification (sha2-256)", params.specCid.digest],
        ],
      };
    }
    case "deposit":
    case "depositWithPermit":
      return { title: `Add ${amount(call.args[1])} to your free stake`, details: [] };
    case "unbond":
      return { title: `Start to take back ${amount(call.args[1])} of free stake`, details: [] };
    case "claim":
      return { title: `Pay out all that you earned in ${name}`, details: [["To", call.args[1]]] };
    case "withdraw":
      return { title: `Withdraw your unbonded stake in ${name}`, details: [["To", call.args[1]]] };
    case "registerKey":
      return { title: "Register your encryption key", details: [["Public key", call.args[0]]] };
    case "registerHybridKey":
      return { title: "Register your hybrid encryption key", details: [["sha2-256 of the key", call.args[0]]] };
    case "enrol":
      return { title: "Enrol in the project, and lock its stake", details: [["Project", call.args[0]]] };
    case "leave":
      return { title: "Leave the project", details: [["Project", call.args[0]]] };
    case "start":
      return { title: "Start the first round", details: [["Project", call.args[0]]] };
    case "cancel":
      return { title: "Cancel the project, and take its budget back", details: [["Project", call.args[0]]] };
    case "poke":
      return { title: "Record what a deadline has decided", details: [["Project", call.args[0]]] };
    case "grantAccess": {
      const [project, reader, round, manifest] = call.args;
      const details = [["Project", project], ["Reader", reader], ["Manifest (sha2-256)", manifest.digest]] as const;
      return { title: `Let a reader open the models from round ${round} on`, details };
    }
    case "revokeAccess": {
      const details = [["Project", call.args[0]], ["Reader", call.args[1]]] as const;
      return { title: "Close to a reader what is published from now on", details };
    }
    default:
      throw new RangeError(`a call of ${call.functionName}`);
  }
}

/** The most that a transaction may cost in fees. */
export function describeFee(gas: bigint, maxFeePerGas: bigint): string {
  return `at most ${formatEther(gas * maxFeePerGas)} ETH`;
}
