/** In the page's header: connect a wallet, or see which one is connected. */

import { useState } from "preact/hooks";

import { paths } from "../router";
import { Link } from "../ui/link";
import { ensureChain } from "./chain";
import { connection } from "./connection";
import type { Wallet } from "./discovery";
import { describeError } from "./errors";
import { useMarket } from "./market";
import { forgetSessions } from "./sign-in";
import { useConnection } from "./use-connection";

export function WalletButton() {
  const { wallets, connected } = useConnection();
  const market = useMarket();
  const [failure, setFailure] = useState<string | null>(null);

  function attempt(action: () => Promise<void>): void {
    setFailure(null);
    action().catch((error: unknown) => setFailure(describeError(error)));
  }

  function leave(): void {
    forgetSessions();
    connection.disconnect();
  }

  const isElsewhere = connected !== null && market !== null && connected.chainId !== market.chainId;
  return (
    <div class="wallet">
      {connected === null ? (
        <Choice wallets={wallets} choose={(wallet) => attempt(() => connection.connect(wallet))} />
      ) : (
        <>
          <Link to={paths.trainer(connected.account)} title={connected.account}>
            {shorten(connected.account)}
          </Link>
          {isElsewhere && (
            <button type="button" onClick={() => attempt(() => ensureChain(connected.wallet.provider, market))}>
              Switch to chain {market.chainId}
            </button>
          )}
          <button type="button" onClick={leave}>
            Disconnect
          </button>
        </>
      )}
      {failure !== null && (
        <p role="alert" class="failure">
          {failure}
        </p>
      )}
    </div>
  );
}

function Choice({ wallets, choose }: { wallets: readonly Wallet[]; choose: (wallet: Wallet) => void }) {
  const [only] = wallets;
  if (only === undefined) return <span class="hint">No wallet in this browser</span>;
  if (wallets.length === 1) {
    return (
      <button type="button" onClick={() => choose(only)}>
        Connect {only.name}
      </button>
    );
  }
  return (
    <details class="menu">
      <summary>Connect a wallet</summary>
      {wallets.map((wallet) => (
        <button key={wallet.id} type="button" onClick={() => choose(wallet)}>
          {wallet.name}
        </button>
      ))}
    </details>
  );
}

export function shorten(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
