/** What an account can take out or put in: earnings, refunds, stake. */

import { useState } from "preact/hooks";
import { isAddressEqual, parseUnits } from "viem";
import type { Address } from "viem";

import type { Balance, TrainerDetail } from "../api/schema";
import { useGet } from "../api/use";
import { openNode } from "../chain/provider";
import { readToken } from "../chain/token";
import { Action } from "../wallet/action";
import type { Deed } from "../wallet/action";
import { WalletError } from "../wallet/errors";
import { openProvider, transact } from "../wallet/transact";
import { useConnection } from "../wallet/use-connection";
import { addStake } from "./enrol";

interface Props {
  readonly address: string;
  readonly done?: () => void;
}

export function AccountActions({ address, done }: Props) {
  const { connected } = useConnection();
  const { data, reload } = useGet<TrainerDetail>(`/v1/trainers/${address}`);
  if (connected === null) return <p class="hint">Connect this account's wallet to claim, stake or withdraw.</p>;
  if (!isAddressEqual(connected.account, address as Address)) {
    return <p class="hint">Your wallet is connected with another account.</p>;
  }
  if (data === null) return null;
  const refresh = () => {
    reload();
    done?.();
  };
  return (
    <section class="actions" aria-label="Your money">
      {data.balances.map((balance) => (
        <TokenActions key={balance.token} balance={balance} done={refresh} />
      ))}
    </section>
  );
}

function TokenActions({ balance, done }: { balance: Balance; done: () => void }) {
  const token = balance.token as Address;
  const pay = (name: "claim" | "withdraw"): Deed => {
    return async (connected, market) =>
      (await transact(connected, market, { name, token, recipient: connected.account })) !== null;
  };
  return (
    <div class="buttons" data-token={token}>
      <Action deed={pay("claim")} done={done} disabled={BigInt(balance.claimable) === 0n}>
        Claim all earnings
      </Action>
      <Action deed={pay("withdraw")} done={done} disabled={BigInt(balance.unbonding) === 0n}>
        Withdraw unbonded stake
      </Action>
      <StakeForm token={token} free={BigInt(balance.free)} done={done} />
    </div>
  );
}

/** Whole tokens, as a wallet shows them. */
function StakeForm({ token, free, done }: { token: Address; free: bigint; done: () => void }) {
  const [text, setText] = useState("");
  const isAmount = /^[0-9]+(\.[0-9]+)?$/.test(text) && Number(text) > 0;
  const id = `stake-${token}`;

  const read: (then: (amount: bigint) => ReturnType<Deed>) => Deed = (then) => async (connected, market) => {
    const { decimals } = await readToken(openNode(await openProvider(connected, market)), token);
    if (decimals === null) throw new WalletError("The token does not say how many decimals it has.");
    return then(parseUnits(text, decimals));
  };

  return (
    <details>
      <summary>Stake</summary>
      <label for={id}>Amount</label>
      <input id={id} inputMode="decimal" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <Action
        disabled={!isAmount}
        done={done}
        deed={(connected, market) => read((amount) => addStake(connected, market, token, amount))(connected, market)}
      >
        Add to free stake
      </Action>
      <Action
        disabled={!isAmount || free === 0n}
        done={done}
        deed={(connected, market) =>
          read(async (amount) => {
            const call = { name: "unbond", token, amount: amount.toString() } as const;
            return (await transact(connected, market, call)) !== null;
          })(connected, market)
        }
      >
        Start to take it back
      </Action>
      <p class="hint">Stake that no project locks comes back in two steps: start, wait out the delay, withdraw.</p>
    </details>
  );
}
