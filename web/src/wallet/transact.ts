/** One transaction from the wish to the receipt: made by the backend, checked and shown here, signed in the wallet. */

import { isAddressEqual, WaitForTransactionReceiptTimeoutError } from "viem";
import type { Address, Hex, ReplacementReason, TransactionReceipt } from "viem";

import { ApiError, get, post } from "../api/client";
import type { Health } from "../api/schema";
import { openNode } from "../chain/provider";
import type { Node, Provider } from "../chain/provider";
import { readToken } from "../chain/token";
import { encodeCall } from "./calls";
import type { Call, Context } from "./calls";
import { ensureChain } from "./chain";
import type { Connected } from "./connection";
import { describeError, WalletError } from "./errors";
import type { Market } from "./market";
import { ask, setPhase } from "./phase";
import { explainRevert, findRevert } from "./revert";
import { describeCall, describeFee, findToken } from "./words";
import type { Prompt } from "./words";

/** As the backend makes it, and `eth_sendTransaction` takes it. */
export interface Unsigned {
  readonly type: "0x2";
  readonly chainId: Hex;
  readonly from: Address;
  readonly to: Address;
  readonly nonce: Hex;
  readonly gas: Hex;
  readonly maxFeePerGas: Hex;
  readonly maxPriorityFeePerGas: Hex;
  readonly value: Hex;
  readonly data: Hex;
}

/** How long to wait for a receipt. The transaction is not lost after that: it may still be mined. */
const RECEIPT_MILLISECONDS = 180_000;

/** How long to wait for the backend to read the block. */
const INDEX_ATTEMPTS = 60;
const INDEX_MILLISECONDS = 250;

/**
 * Has a call made, shown, signed, sent and mined, and waits until the backend has read its block.
 *
 * @returns null where the user says no in the page's own dialog
 * @throws what `describeError` has words for; the dialog shows them already
 */
export async function transact(
  connected: Connected,
  market: Market,
  call: Call,
  dimension?: number,
): Promise<TransactionReceipt | null> {
  let title = "Transaction";
  try {
    const { provider } = connected.wallet;
    setPhase({ name: "working", title, doing: "Asking the server for the transaction…" });
    await ensureChain(provider, market);
    const node = openNode(provider);
    const context = { market, sender: connected.account, ...(dimension === undefined ? {} : { dimension }) };
    const unsigned = await prepare(node, call, context);
    checkUnsigned(unsigned, call, context);
    const prompt = await describe(unsigned, market, node);
    title = prompt.title;
    if (!(await ask(prompt))) {
      setPhase({ name: "idle" });
      return null;
    }
    setPhase({ name: "working", title, doing: "Confirm it in your wallet…" });
    const hash = await provider.request({ method: "eth_sendTransaction", params: [unsigned] });
    setPhase({ name: "pending", title, hash });
    const receipt = await waitForReceipt(node, hash);
    if (receipt.status === "reverted") throw await explainRevert(node, unsigned, receipt);
    await waitForIndex(receipt.blockNumber);
    setPhase({ name: "done", title, hash: receipt.transactionHash, blockNumber: receipt.blockNumber });
    return receipt;
  } catch (error) {
    setPhase({ name: "failed", title, reason: describeError(error) });
    throw error;
  }
}

/** What the backend makes of a call. Where it refuses, because the call would revert, the node is asked for the reason. */
async function prepare(node: Node, call: Call, context: Context): Promise<Unsigned> {
  try {
    return await post<Unsigned>("/v1/transactions", { sender: context.sender, call });
  } catch (error) {
    const isRefused = error instanceof ApiError && error.status === 422;
    throw (isRefused ? await findRevert(node, context.sender, encodeCall(call, context)) : null) ?? error;
  }
}

/**
 * Holds what the backend made against what was asked for, to the last byte.
 *
 * @throws WalletError where it is anything else
 */
export function checkUnsigned(unsigned: Unsigned, call: Call, context: Context): void {
  const expected = encodeCall(call, context);
  const faults = [
    isAddressEqual(unsigned.to, expected.to) ? "" : `it goes to ${unsigned.to}, not ${expected.to}`,
    isAddressEqual(unsigned.from, context.sender) ? "" : `it is from ${unsigned.from}, not ${context.sender}`,
    Number(unsigned.chainId) === context.market.chainId ? "" : `it is for chain ${Number(unsigned.chainId)}`,
    BigInt(unsigned.value) === 0n ? "" : `it sends ${BigInt(unsigned.value)} wei`,
    (unsigned.type as string) === "0x2" ? "" : `it is of type ${String(unsigned.type)}`,
    unsigned.data.toLowerCase() === expected.data.toLowerCase() ? "" : "its data are not what was asked for",
  ].filter((fault) => fault !== "");
  if (faults.length > 0) {
    throw new WalletError(`The server made another transaction than this page asked for: ${faults.join("; ")}.`);
  }
}

async function describe(unsigned: Unsigned, market: Market, node: Node): Promise<Prompt> {
  const address = findToken(unsigned.to, unsigned.data, market.marketplace);
  const token = address === null ? null : await readToken(node, address);
  const { title, details } = describeCall(unsigned.to, unsigned.data, market.marketplace, token);
  return {
    title,
    details: [
      ...details,
      ["Contract", unsigned.to],
      ["Chain", String(market.chainId)],
      ["Fee", describeFee(BigInt(unsigned.gas), BigInt(unsigned.maxFeePerGas))],
    ],
  };
}

async function waitForReceipt(node: Node, hash: Hex): Promise<TransactionReceipt> {
  let replaced: ReplacementReason | null = null;
  try {
    const receipt = await node.waitForTransactionReceipt({
      hash,
      timeout: RECEIPT_MILLISECONDS,
      onReplaced: ({ reason }) => (replaced = reason),
    });
    if (replaced === "cancelled") throw new WalletError("You cancelled the transaction in your wallet.");
    if (replaced === "replaced") throw new WalletError("Another transaction took its place in your wallet.");
    return receipt;
  } catch (error) {
    if (!(error instanceof WaitForTransactionReceiptTimeoutError)) throw error;
    throw new WalletError(`It is not mined after three minutes. It may still be: look for ${hash}.`);
  }
}

async function waitForIndex(blockNumber: bigint): Promise<void> {
  for (let attempt = 0; attempt < INDEX_ATTEMPTS; attempt++) {
    const health = await get<Health>("/v1/health");
    if (BigInt(health.indexed_block ?? -1) >= blockNumber) return;
    await new Promise((resolve) => setTimeout(resolve, INDEX_MILLISECONDS));
  }
}

/** The provider of a connection, on the marketplace's chain. */
export async function openProvider(connected: Connected, market: Market): Promise<Provider> {
  await ensureChain(connected.wallet.provider, market);
  return connected.wallet.provider;
}
