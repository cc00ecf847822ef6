/** Weight and pay of every trainer, round by round. */

import { useToken } from "../../api/deployment";
import type { Paged } from "../../api/paged";
import type { ProjectDetail, RoundShares } from "../../api/schema";
import { type Series, StackedBars } from "../../charts/stacked";
import { divide, sum, toDecimal } from "../../format/amount";
import { shortenHex } from "../../format/hex";
import { formatPart } from "../../format/number";
import { Empty, Loaded, Loading } from "../../ui/loaded";
import { nameUnit } from "../../ui/amount";
import { More } from "../../ui/more";
import { Section } from "../../ui/section";

export function PayPlots({ project, answer }: { project: ProjectDetail; answer: Paged<RoundShares> }) {
  return (
    <Section title="Pay and weight">
      <Loaded answer={answer} what="weights and shares">
        {(settled) => {
          const rounds = settled.filter((round) => round.outcome === "final");
          if (rounds.length === 0) return <Empty>Nobody has been paid yet: no round is final.</Empty>;
          return <Plots project={project} rounds={rounds} />;
        }}
      </Loaded>
      <More list={answer} />
    </Section>
  );
}

function Plots({ project, rounds }: { project: ProjectDetail; rounds: RoundShares[] }) {
  const unit = useToken(project.token);
  if (unit === null) return <Loading what="the token" />;
  const decimals = unit.decimals ?? 0;
  const series: Series[] = project.members.map((member) => ({
    id: member.trainer,
    label: shortenHex(member.trainer),
    colour: member.slot,
  }));
  const places = rounds.map((round) => String(round.round));
  const pay = tabulate(rounds, series, (row) => Number(toDecimal(row.share, decimals)));
  const weight = rounds.map((round) => {
    const total = sum(round.rows.map((row) => row.weight));
    return lookUp(round, series, (row) => divide(row.weight, total));
  });
  return (
    <div class="pair">
      <StackedBars
        caption={`Pay by round, in ${nameUnit(unit)}`}
        placeName="Round"
        {...{ places, series }}
        values={pay}
        format={formatShort}
      />
      <StackedBars
        caption="Weight by round, in parts of the whole"
        placeName="Round"
        {...{ places, series }}
        values={weight}
        format={formatPart}
        maximum={1}
      />
    </div>
  );
}

type Row = RoundShares["rows"][number];

function tabulate(rounds: RoundShares[], series: Series[], value: (row: Row) => number): number[][] {
  return rounds.map((round) => lookUp(round, series, value));
}

function lookUp(round: RoundShares, series: Series[], value: (row: Row) => number): number[] {
  const rows = new Map(round.rows.map((row) => [row.trainer, row]));
  return series.map(({ id }) => {
    const row = rows.get(id);
    return row === undefined ? 0 : value(row);
  });
}

/** A figure of a plot: it was a float already, so that four digits are enough. */
function formatShort(value: number): string {
  const notation = value >= 1e9 ? "scientific" : "standard";
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation }).format(value);
}
