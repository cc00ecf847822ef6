import { usePaged } from "../api/paged";
import type { AggregatorDetail } from "../api/schema";
import { OfferTable } from "../parts/offer-table";
import { Empty, Loaded } from "../ui/loaded";
import { More } from "../ui/more";
import { useTitle } from "../ui/title";

export function AggregatorsPage() {
  const list = usePaged<AggregatorDetail>("/v1/aggregators", { limit: 50 });
  useTitle("Aggregators");
  return (
    <>
      <h1>Aggregators</h1>
      <p class="about">
        They weigh the updates of a round and prove their arithmetic. A project draws one of those whose terms it meets.
      </p>
      <Loaded answer={list} what="aggregators">
        {(offers) =>
          offers.length === 0 ? <Empty>No aggregator has made an offer.</Empty> : <OfferTable offers={offers} withAccount />
        }
      </Loaded>
      <More list={list} />
    </>
  );
}
