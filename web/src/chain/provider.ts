/** A node as a wallet lends it to the page (EIP-1193). */

import { createPublicClient, custom } from "viem";
import type { EIP1193Provider } from "viem";

export type Provider = EIP1193Provider;

/** A client that asks the wallet's node. It never asks anybody else: the page's policy forbids that, too. */
export function openNode(provider: Provider) {
  return createPublicClient({ transport: custom(provider, { retryCount: 0 }), ccipRead: false, pollingInterval: 1_000, cacheTime: 0 });
}

export type Node = ReturnType<typeof openNode>;
