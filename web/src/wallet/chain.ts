/** Brings a wallet to the marketplace's chain. */

import { numberToHex } from "viem";

import type { Provider } from "../chain/provider";
import { readCode, WalletError } from "./errors";

/** The chain that the marketplace stands on. */
export interface Chain {
  readonly chainId: number;
  /** A node that wallets may be told of; null where the operator names none. */
  readonly rpcUrl: string | null;
}

/** What a wallet answers that does not know a chain (EIP-3085, EIP-3326). */
const UNKNOWN_CHAIN = 4902;

/**
 * Asks the wallet to be on the marketplace's chain, and to add it where it does not know it.
 *
 * @throws WalletError where it stays elsewhere
 */
export async function ensureChain(provider: Provider, chain: Chain): Promise<void> {
  const chainId = numberToHex(chain.chainId);
  if (await isOn(provider, chain)) return;
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  } catch (error) {
    if (readCode(error) !== UNKNOWN_CHAIN) throw error;
    if (chain.rpcUrl === null) {
      throw new WalletError(`Your wallet does not know chain ${chain.chainId}: add it there, then try again.`);
    }
    await provider.request({
      method: "wallet_addEthereumChain",
      params: [
        {
          chainId,
          chainName: `Steelyard's chain ${chain.chainId}`,
          nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
          rpcUrls: [chain.rpcUrl],
        },
      ],
    });
  }
  if (!(await isOn(provider, chain))) {
    throw new WalletError(`Your wallet is still on another chain. Switch it to chain ${chain.chainId}.`);
  }
}

async function isOn(provider: Provider, chain: Chain): Promise<boolean> {
  return Number(await provider.request({ method: "eth_chainId" })) === chain.chainId;
}
