/** What the draft would cost, beside the form: the budget's way, and gas by who pays it. */

import { useState } from "preact/hooks";
import { formatEther } from "viem";

import type { CheckedDraft, Quote } from "../api/schema";
import { useGet } from "../api/use";
import { formatAmount } from "../chain/token";
import type { Token } from "../chain/token";
import { computeRowsBudget } from "../weighing/pay";
import type { Draft } from "./draft";

interface Props {
  readonly draft: Draft;
  readonly checked: CheckedDraft;
  readonly token: Token;
}

export function Estimate({ draft, checked, token }: Props) {
  const [gasPrice, setGasPrice] = useState("1");
  const { chain } = draft;
  const quote = useGet<Quote>("/v1/quotes", {
    trainers: chain.max_trainers,
    dimension: checked.dimension,
    rounds: chain.rounds,
    rule: chain.rule,
    byzantine_bps: chain.byzantine_bps,
  });
  const rows = computeRowsBudget(BigInt(chain.budget), BigInt(chain.rounds), BigInt(chain.aggregator_fee_bps));
  const even = rows / BigInt(chain.max_trainers);
  return (
    <div class="estimate">
      <dl>
        <Figure label="Model" value={`${checked.dimension.toLocaleString("en")} parameters, ${checked.model_bytes} bytes`} />
        <Figure label="Into escrow" value={formatAmount(BigInt(chain.budget), token)} />
        <Figure label="A round's trainers share" value={formatAmount(rows, token)} />
        <Figure label={`An even share of ${chain.max_trainers}`} value={formatAmount(even, token)} />
      </dl>
      <label for="gas-price">Gas price, gwei</label>
      <input
        id="gas-price"
        inputMode="decimal"
        value={gasPrice}
        onInput={(event) => setGasPrice(event.currentTarget.value)}
      />
      {quote.error !== null && <p role="alert">No quote: {quote.error.message}</p>}
      {quote.data !== null && <Gas quote={quote.data} price={readGwei(gasPrice)} />}
    </div>
  );
}

function Gas({ quote, price }: { quote: Quote; price: bigint }) {
  return (
    <table>
      <caption>Gas of the whole project, if every round becomes final</caption>
      <thead>
        <tr>
          <th scope="col">who</th>
          <th scope="col">gas</th>
          <th scope="col">ETH</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(quote.gas).map(([role, calls]) => {
          const total = Object.values(calls).reduce((sum, gas) => sum + gas, 0);
          return (
            <tr key={role}>
              <th scope="row">{role.replaceAll("_", " ")}</th>
              <td>{total.toLocaleString("en")}</td>
              <td>{formatEther(BigInt(total) * price)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function readGwei(text: string): bigint {
  return /^[0-9]{1,6}(\.[0-9]{1,9})?$/.test(text) ? BigInt(Math.round(Number(text) * 1e9)) : 0n;
}
