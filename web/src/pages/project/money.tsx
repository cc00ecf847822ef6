import type { ProjectDetail } from "../../api/schema";
import { divide, sum } from "../../format/amount";
import { formatBps, formatPart, pluralise } from "../../format/number";
import { Amount } from "../../ui/amount";
import { Figures } from "../../ui/facts";
import { Section } from "../../ui/section";

/** Where the budget is. */
export function Money({ project }: { project: ProjectDetail }) {
  const { token, budget } = project;
  const amount = (of: string | bigint) => <Amount amount={of} token={token} />;
  const part = (of: string | bigint) => formatPart(divide(of, budget));
  const trainers = sum([project.paid, project.pool_split]);
  return (
    <Section title="Money">
      <Figures
        of={[
          ["Budget", amount(budget), `over ${pluralise(project.rounds, "round")}`],
          ["Paid to trainers", amount(trainers), part(trainers)],
          ["Paid to aggregators", amount(project.fees), `${formatBps(project.aggregator_fee_bps)} of each round`],
          ["In the pool", amount(project.pool), "split among trainers at the end"],
          ["Back to the owner", amount(project.refund), "rounds that never became final"],
        ]}
      />
    </Section>
  );
}
