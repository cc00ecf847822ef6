import type { AggregatorDetail } from "../api/schema";
import { formatBps, formatCount } from "../format/number";
import { formatSpan } from "../format/time";
import { Amount } from "../ui/amount";
import { Address } from "../ui/hex";
import { type Column, Table } from "../ui/table";
import { describeRecord } from "./record";

/** The terms on which aggregators let themselves be drawn. */
export function OfferTable({ offers, withAccount = false }: { offers: AggregatorDetail[]; withAccount?: boolean }) {
  const who: Column<AggregatorDetail> = {
    head: "Aggregator",
    heading: true,
    cell: (offer) => <Address address={offer.account} role="aggregator" />,
  };
  const record: Column<AggregatorDetail> = { head: "Attempts", cell: (offer) => describeRecord(offer.record) };
  return (
    <Table
      caption="Offers of aggregators"
      rows={offers}
      id={(offer) => `${offer.account}.${offer.token}`}
      rowClass={(offer) => (offer.registered ? "" : "unpaid")}
      columns={[
        ...(withAccount ? [who] : []),
        { head: "Offer", cell: (offer) => (offer.registered ? "Stands" : "Taken back") },
        { head: "Fee from", number: true, cell: (offer) => formatBps(offer.min_fee_bps) },
        {
          head: "Stake up to",
          number: true,
          cell: (offer) => <Amount amount={offer.max_stake} token={offer.token} />,
        },
        { head: "Parameters up to", number: true, cell: (offer) => formatCount(offer.max_dimension) },
        { head: "Needs to settle", number: true, cell: (offer) => formatSpan(offer.min_settle_seconds) },
        ...(withAccount ? [record] : []),
      ]}
    />
  );
}
