/** The connection to a wallet: which one, with which account, on which chain. One for the whole page. */

import { getAddress } from "viem";
import type { Address } from "viem";

import type { Provider } from "../chain/provider";
import { discoverWallets } from "./discovery";
import type { Wallet } from "./discovery";

export interface Connected {
  readonly wallet: Wallet;
  readonly account: Address;
  readonly chainId: number;
}

export interface State {
  readonly wallets: readonly Wallet[];
  readonly connected: Connected | null;
}

const REMEMBERED = "steelyard.wallet";

export class Connection {
  private state: State = { wallets: [], connected: null };
  private readonly listeners = new Set<() => void>();
  private stop: (() => void) | null = null;

  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = localStorage) {}

  get = (): State => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Looks for wallets, and takes up the last connection where its wallet still allows it without asking. */
  start(): void {
    discoverWallets((wallet) => {
      this.set({ wallets: [...this.state.wallets, wallet] });
      if (this.storage.getItem(REMEMBERED) === wallet.id) void this.open(wallet, "eth_accounts").catch(() => undefined);
    });
  }

  /** Asks a wallet for an account; it asks its user. */
  async connect(wallet: Wallet): Promise<void> {
    await this.open(wallet, "eth_requestAccounts");
    this.storage.setItem(REMEMBERED, wallet.id);
  }

  /** Forgets the wallet. What the wallet remembers of the page is for its user to undo. */
  disconnect(): void {
    this.stop?.();
    this.stop = null;
    this.storage.removeItem(REMEMBERED);
    this.set({ connected: null });
  }

  private async open(wallet: Wallet, method: "eth_accounts" | "eth_requestAccounts"): Promise<void> {
    const accounts = await wallet.provider.request({ method });
    const chainId = Number(await wallet.provider.request({ method: "eth_chainId" }));
    const [first] = accounts;
    if (first === undefined) return;
    this.stop?.();
    this.stop = watch(wallet.provider, {
      accounts: (changed) => this.changeAccount(changed),
      chain: (changed) => this.update({ chainId: changed }),
    });
    this.set({ connected: { wallet, account: getAddress(first), chainId } });
  }

  private changeAccount(accounts: readonly Address[]): void {
    const [first] = accounts;
    if (first === undefined) this.disconnect();
    else this.update({ account: getAddress(first) });
  }

  private update(change: Partial<Connected>): void {
    const { connected } = this.state;
    if (connected !== null) this.set({ connected: { ...connected, ...change } });
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

interface Watchers {
  readonly accounts: (accounts: readonly Address[]) => void;
  readonly chain: (chainId: number) => void;
}

function watch(provider: Provider, watchers: Watchers): () => void {
  const onAccounts = (accounts: Address[]) => watchers.accounts(accounts);
  const onChain = (chainId: string) => watchers.chain(Number(chainId));
  provider.on("accountsChanged", onAccounts);
  provider.on("chainChanged", onChain);
  return () => {
    provider.removeListener("accountsChanged", onAccounts);
    provider.removeListener("chainChanged", onChain);
  };
}

/** The page's connection. */
export const connection = new Connection();
