import type { AggregatorHistory } from "../api/schema";
import { useGet } from "../api/use";
import { shortenHex } from "../format/hex";
import { BalanceTable } from "../parts/balance-table";
import { OfferTable } from "../parts/offer-table";
import { Figures } from "../ui/facts";
import { Address } from "../ui/hex";
import { Empty, Loaded } from "../ui/loaded";
import { Section } from "../ui/section";
import { useTitle } from "../ui/title";
import { RoundTable } from "./project/rounds";

export function AggregatorPage({ address }: { address: string }) {
  const answer = useGet<AggregatorHistory>(`/v1/aggregators/${address}`, { limit: 100 });
  useTitle(`Aggregator ${shortenHex(address)}`);
  return (
    <>
      <h1>Aggregator</h1>
      <p class="byline">
        <Address address={address} />
      </p>
      <Loaded answer={answer} what="the aggregator">
        {(history) => <History history={history} />}
      </Loaded>
    </>
  );
}

function History({ history }: { history: AggregatorHistory }) {
  const count = (outcome: string) => history.record[outcome] ?? 0;
  return (
    <>
      <Figures
        of={[
          ["Final", count("final"), "rounds settled and paid"],
          ["Missed", count("missed"), "deadlines, each slashed"],
          ["Void", count("void"), "trainers objected"],
          ["Abandoned", count("abandoned"), "too many unusable updates"],
        ]}
      />
      <Section title="Offers">
        {history.offers.length === 0 ? <Empty>None.</Empty> : <OfferTable offers={history.offers} />}
      </Section>
      <Section title="Stakes and earnings">
        <BalanceTable balances={history.balances} />
      </Section>
      <Section title="Attempts" about="The newest first, of all projects.">
        {history.attempts.length === 0 ? (
          <Empty>None yet.</Empty>
        ) : (
          <RoundTable rounds={history.attempts} token={null} />
        )}
      </Section>
    </>
  );
}
