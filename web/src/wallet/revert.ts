/** Why a call reverts, or a transaction did: the node runs it again, and says. */

import type { Address, TransactionReceipt } from "viem";

import type { Node } from "../chain/provider";
import type { Encoded } from "./calls";
import { WalletError } from "./errors";

/** How a call fails on a block's state, by default the newest; null where it does not. */
export async function findRevert(
  node: Node,
  account: Address,
  { to, data }: Encoded,
  blockNumber?: bigint,
): Promise<unknown> {
  try {
    await node.call({ account, to, data, ...(blockNumber === undefined ? {} : { blockNumber }) });
    return null;
  } catch (error) {
    return error;
  }
}

/** Why a mined transaction changed nothing, from the state before its block. */
export async function explainRevert(
  node: Node,
  sent: Encoded & { readonly from: Address; readonly gas: string },
  receipt: TransactionReceipt,
): Promise<unknown> {
  if (receipt.gasUsed >= BigInt(sent.gas)) return new WalletError("It ran out of gas, and changed nothing.");
  const found = await findRevert(node, sent.from, sent, receipt.blockNumber - 1n);
  return found ?? new WalletError("The contract refused it: something else came first in the same block.");
}
