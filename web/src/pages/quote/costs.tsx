import type { Quote } from "../../api/schema";
import { formatAmount } from "../../format/amount";
import { formatCount } from "../../format/number";
import { formatSpan } from "../../format/time";
import { titleCase } from "../../format/words";
import { Figures } from "../../ui/facts";
import { Section } from "../../ui/section";
import { Table } from "../../ui/table";

const ETHER_DECIMALS = 18;

interface Row {
  role: string;
  call: string;
  gas: number;
}

export function Costs({ quote, gwei }: { quote: Quote; gwei: string }) {
  const rows: Row[] = Object.entries(quote.gas).flatMap(([role, calls]) =>
    Object.entries(calls).map(([call, gas]) => ({ role, call, gas })),
  );
  const price = Number(quote.total_wei) / Math.max(1, quote.total_gas);
  const ether = (gas: number) => formatAmount(BigInt(Math.round(gas * price)), ETHER_DECIMALS);
  return (
    <>
      <Figures
        of={[
          ["Gas in all", formatCount(quote.total_gas), `${quote.rounds} rounds of ${quote.trainers} trainers`],
          ["Ether in all", `${formatAmount(quote.total_wei, ETHER_DECIMALS)} ETH`, `at ${gwei} gwei`],
          ["First settlement", formatCount(quote.first_settlement_gas), "gas; later ones cost less"],
          ["Blocks", formatCount(quote.blocks), "of 4,088 parameters"],
        ]}
      />
      <Section title="Gas by role" about={`Over the whole project, with the rule ${quote.rule}.`}>
        <Table
          caption="Gas by role and call"
          rows={rows}
          id={(row) => `${row.role}.${row.call}`}
          columns={[
            { head: "Who", cell: (row) => titleCase(row.role) },
            { head: "For", heading: true, cell: (row) => titleCase(row.call) },
            { head: "Gas", number: true, cell: (row) => formatCount(row.gas) },
            { head: "ETH", number: true, cell: (row) => ether(row.gas) },
          ]}
        />
      </Section>
      <Section title="Time of a round" about="On one core of a usual server, right to about a factor of two.">
        <Table
          caption="Seconds of the cryptography"
          rows={Object.entries(quote.seconds)}
          id={([name]) => name}
          columns={[
            { head: "Step", heading: true, cell: ([name]) => titleCase(name) },
            {
              head: "Time",
              number: true,
              cell: ([, seconds]) => (seconds < 10 ? `${seconds.toFixed(2)} s` : formatSpan(seconds)),
            },
          ]}
        />
      </Section>
    </>
  );
}
