/** A button that does something with the wallet. What goes wrong, the dialog tells. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { Connected } from "./connection";
import { useMarket } from "./market";
import type { Market } from "./market";
import { useConnection } from "./use-connection";

/** Resolves to whether anything was done. */
export type Deed = (connected: Connected, market: Market) => Promise<boolean>;

interface Props {
  readonly deed: Deed;
  readonly done?: (() => void) | undefined;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}

export function Action({ deed, done, disabled = false, children }: Props) {
  const market = useMarket();
  const { connected } = useConnection();
  const [isBusy, setBusy] = useState(false);

  async function run(): Promise<void> {
    if (connected === null || market === null) return;
    setBusy(true);
    try {
      if (await deed(connected, market)) done?.();
    } catch {
      // The dialog has told it.
    } finally {
      setBusy(false);
    }
  }

  const isReady = connected !== null && market !== null && !isBusy && !disabled;
  return (
    <button type="button" disabled={!isReady} onClick={run}>
      {children}
    </button>
  );
}
