/** Creates and funds a project: store, permit, one transaction. */

import { parseEventLogs } from "viem";
import type { Address, Hex } from "viem";

import { STEELYARD_ABI } from "../chain/abi";
import type { Connected } from "../wallet/connection";
import { describeError } from "../wallet/errors";
import type { Market } from "../wallet/market";
import { permitAmount } from "../wallet/pay";
import { setPhase } from "../wallet/phase";
import { signIn } from "../wallet/sign-in";
import { openProvider, transact } from "../wallet/transact";
import type { Draft } from "./draft";
import { storeDraft } from "./store";

export interface Plan {
  readonly draft: Draft;
  readonly token: Address;
  /** Of the model, as the backend counts it. */
  readonly dimension: number;
  /** The initial model's file; null to draw it from the seed. */
  readonly model: Blob | null;
}

/**
 * @returns the project's id; null where the user says no in the page's own dialog
 * @throws what `describeError` has words for; the dialog shows them already
 */
export async function createProject(connected: Connected, market: Market, plan: Plan): Promise<Hex | null> {
  const { draft, token, dimension } = plan;
  const specCid = await prepare(connected, market, plan);
  const permission = await permitAmount(connected, market, token, BigInt(draft.chain.budget));
  if (permission === null) return null;
  const { permit } = permission;
  const call = { name: "createProject", token, spec_cid: specCid, chain: draft.chain, permit } as const;
  const receipt = await transact(connected, market, call, dimension);
  if (receipt === null) return null;
  const logs = receipt.logs.filter((log) => log.address.toLowerCase() === market.marketplace.toLowerCase());
  const [created] = parseEventLogs({ abi: STEELYARD_ABI, eventName: "ProjectCreated", logs });
  return created?.args.projectId ?? null;
}

async function prepare(connected: Connected, market: Market, { draft, model }: Plan): Promise<string> {
  const title = "Store the specification and the initial model";
  try {
    setPhase({ name: "working", title, doing: "Sign in to the server: your wallet asks you to sign a message…" });
    const session = await signIn(await openProvider(connected, market), connected.account);
    setPhase({ name: "working", title, doing: "Uploading…" });
    return await storeDraft(draft, model, session);
  } catch (error) {
    setPhase({ name: "failed", title, reason: describeError(error) });
    throw error;
  }
}
