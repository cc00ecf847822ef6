/** Everything that enrolling takes: a key on chain, enough free stake, and the place itself. Done steps are skipped. */

import { isAddressEqual, zeroHash } from "viem";
import type { Address, Hex } from "viem";

import type { ProjectDetail } from "../api/schema";
import { STEELYARD_ABI } from "../chain/abi";
import { openNode } from "../chain/provider";
import type { Connected } from "../wallet/connection";
import { describeError, WalletError } from "../wallet/errors";
import type { Market } from "../wallet/market";
import { permitAmount } from "../wallet/pay";
import { setPhase } from "../wallet/phase";
import { openProvider, transact } from "../wallet/transact";

/** What the chain has of an account already. */
export interface Standing {
  readonly key: Hex;
  readonly freeStake: bigint;
}

export async function readStanding(connected: Connected, market: Market, token: Address): Promise<Standing> {
  const node = openNode(await openProvider(connected, market));
  const call = { address: market.marketplace, abi: STEELYARD_ABI } as const;
  const [key, stake] = await Promise.all([
    node.readContract({ ...call, functionName: "keyOf", args: [connected.account] }),
    node.readContract({ ...call, functionName: "stakeOf", args: [connected.account, token] }),
  ]);
  return { key, freeStake: stake.free };
}

/**
 * @param key the trainer's public key; null to keep the one that is registered
 * @returns whether the account is enrolled now; false where the user says no in the page's own dialog
 */
export async function enrol(
  connected: Connected,
  market: Market,
  project: ProjectDetail,
  key: Hex | null,
): Promise<boolean> {
  const [token, minStake] = [project.token as Address, BigInt(project.min_stake)];
  const standing = await tell(async () => {
    if (isAddressEqual(connected.account, project.owner as Address) && project.rooted) {
      throw new WalletError("The owner of this project holds updates against its own: it may not enrol.");
    }
    const found = await readStanding(connected, market, token);
    if (key === null && found.key === zeroHash) {
      throw new WalletError("No key is registered for this account yet: give the one that `steelyard keys show` prints.");
    }
    return found;
  });
  if (key !== null && key !== standing.key) {
    if ((await transact(connected, market, { name: "registerKey", key })) === null) return false;
  }
  if (standing.freeStake < minStake && !(await addStake(connected, market, token, minStake - standing.freeStake))) {
    return false;
  }
  return (await transact(connected, market, { name: "enrol", project_id: project.id as Hex })) !== null;
}

/** Adds free stake, with a permit where the token takes one. */
export async function addStake(
  connected: Connected,
  market: Market,
  token: Address,
  amount: bigint,
): Promise<boolean> {
  const permission = await permitAmount(connected, market, token, amount);
  if (permission === null) return false;
  const call = { name: "deposit", token, amount: amount.toString(), permit: permission.permit } as const;
  return (await transact(connected, market, call)) !== null;
}

async function tell<T>(work: () => Promise<T>): Promise<T> {
  const title = "Enrol";
  setPhase({ name: "working", title, doing: "Looking at your stake and key…" });
  try {
    return await work();
  } catch (error) {
    setPhase({ name: "failed", title, reason: describeError(error) });
    throw error;
  }
}
