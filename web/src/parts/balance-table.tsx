import type { Balance } from "../api/schema";
import { Amount, Symbol } from "../ui/amount";
import { Address } from "../ui/hex";
import { Empty } from "../ui/loaded";
import { Table } from "../ui/table";
import { Time } from "../ui/time";

/** An account's money by token: what is staked, what was earned, what can be taken out. */
export function BalanceTable({ balances }: { balances: Balance[] }) {
  if (balances.length === 0) return <Empty>No stake and no earnings.</Empty>;
  const amount = (of: string, { token }: Balance) => <Amount amount={of} token={token} bare />;
  return (
    <Table
      caption="Stakes and earnings by token"
      rows={balances}
      id={(balance) => balance.token}
      columns={[
        {
          head: "Token",
          heading: true,
          cell: (balance) => (
            <>
              <Symbol token={balance.token} /> <Address address={balance.token} />
            </>
          ),
        },
        { head: "Earned", number: true, cell: (balance) => amount(balance.credited, balance) },
        { head: "Taken out", number: true, cell: (balance) => amount(balance.claimed, balance) },
        { head: "To claim", number: true, cell: (balance) => <strong>{amount(balance.claimable, balance)}</strong> },
        { head: "Free stake", number: true, cell: (balance) => amount(balance.free, balance) },
        { head: "Locked", number: true, cell: (balance) => amount(balance.locked, balance) },
        {
          head: "Unbonding",
          number: true,
          cell: (balance) => (
            <>
              {amount(balance.unbonding, balance)}
              {balance.unbonding !== "0" && (
                <small>
                  {" "}
                  until <Time at={Number(balance.available_at)} />
                </small>
              )}
            </>
          ),
        },
        { head: "Slashed", number: true, cell: (balance) => amount(balance.slashed, balance) },
      ]}
    />
  );
}
