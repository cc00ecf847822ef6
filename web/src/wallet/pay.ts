/** Lets the marketplace take an amount: by a permit within the call, or by an `approve` before it. */

import type { Address } from "viem";

import { openNode } from "../chain/provider";
import { formatAmount, readHolding, readPermitDomain, readToken } from "../chain/token";
import type { PermitFields } from "./calls";
import type { Connected } from "./connection";
import { describeError, WalletError } from "./errors";
import type { Market } from "./market";
import { signPermit } from "./permit";
import { ask, setPhase } from "./phase";
import { openProvider, transact } from "./transact";

/** How the marketplace may take it: `permit` is null where it may do so already. */
export interface Permission {
  readonly permit: PermitFields | null;
}

/**
 * @returns null where the user says no in the page's own dialog
 * @throws WalletError where the account has less; and what `transact` throws
 */
export async function permitAmount(
  connected: Connected,
  market: Market,
  token: Address,
  amount: bigint,
): Promise<Permission | null> {
  const [owner, spender] = [connected.account, market.marketplace];
  const title = "Payment";
  try {
    setPhase({ name: "working", title, doing: "Looking at your balance…" });
    const provider = await openProvider(connected, market);
    const node = openNode(provider);
    const [facts, holding, domain] = await Promise.all([
      readToken(node, token),
      readHolding(node, token, owner, spender),
      readPermitDomain(node, token, owner),
    ]);
    if (holding.balance < amount) {
      const [has, needs] = [formatAmount(holding.balance, facts), formatAmount(amount, facts)];
      throw new WalletError(`Your account has ${has}, and this takes ${needs}.`);
    }
    if (holding.allowance >= amount) return { permit: null };
    if (domain !== null) {
      const yes = await ask({
        title: `Let the marketplace take ${formatAmount(amount, facts)}, once`,
        details: [
          ["What you sign", "a permit (ERC-2612), which costs no gas"],
          ["May be taken by", spender],
          ["Token", token],
          ["Good for", "one hour"],
        ],
      });
      if (!yes) {
        setPhase({ name: "idle" });
        return null;
      }
      setPhase({ name: "working", title, doing: "Sign the permit in your wallet…" });
      const permit = await signPermit(provider, node, domain, { owner, spender, amount });
      if (permit !== null) return { permit };
    }
  } catch (error) {
    setPhase({ name: "failed", title, reason: describeError(error) });
    throw error;
  }
  const receipt = await transact(connected, market, { name: "approve", token, amount: amount.toString() });
  return receipt === null ? null : { permit: null };
}
