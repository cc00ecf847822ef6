/** Which wallets the browser has: those that announce themselves (EIP-6963), or the one at `window.ethereum`. */

import type { Provider } from "../chain/provider";

export interface Wallet {
  /** Reverse domain name; the same over time, which the wallet's `uuid` is not. */
  readonly id: string;
  readonly name: string;
  readonly provider: Provider;
}

interface Announcement {
  readonly info: { readonly rdns: string; readonly name: string };
  readonly provider: Provider;
}

/** Of the wallet at `window.ethereum`, which has no name. */
export const INJECTED = "injected";

/**
 * Calls `found` with each wallet, once. The page asks for announcements; wallets that load later announce by themselves.
 *
 * @returns how to stop listening
 */
export function discoverWallets(found: (wallet: Wallet) => void): () => void {
  const known = new Set<string>();
  const add = (wallet: Wallet) => {
    if (known.has(wallet.id)) return;
    known.add(wallet.id);
    found(wallet);
  };
  const listen = (event: Event) => {
    const detail: unknown = (event as CustomEvent<unknown>).detail;
    if (isAnnouncement(detail)) add({ id: detail.info.rdns, name: detail.info.name, provider: detail.provider });
  };
  addEventListener("eip6963:announceProvider", listen);
  dispatchEvent(new Event("eip6963:requestProvider"));
  const injected = (globalThis as { ethereum?: unknown }).ethereum;
  if (known.size === 0 && isProvider(injected)) add({ id: INJECTED, name: "Browser wallet", provider: injected });
  return () => removeEventListener("eip6963:announceProvider", listen);
}

function isAnnouncement(detail: unknown): detail is Announcement {
  if (typeof detail !== "object" || detail === null) return false;
  const { info, provider } = detail as { info?: { rdns?: unknown; name?: unknown }; provider?: unknown };
  return typeof info?.rdns === "string" && typeof info.name === "string" && isProvider(provider);
}

function isProvider(value: unknown): value is Provider {
  return typeof value === "object" && value !== null && typeof (value as { request?: unknown }).request === "function";
}
