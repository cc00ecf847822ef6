import type { ProjectDetail, RoundDetail } from "../../api/schema";
import { formatCount } from "../../format/number";
import { Amount } from "../../ui/amount";
import { Facts as FactList } from "../../ui/facts";
import { Address, ContentId, Transaction } from "../../ui/hex";
import { Section } from "../../ui/section";
import { Time } from "../../ui/time";

/** What an attempt came to, each figure with the transaction that it is from. */
export function Facts({ project, round }: { project: ProjectDetail; round: RoundDetail }) {
  const amount = (of: string | null) => <Amount amount={of} token={project.token} />;
  const settled = round.settled_transaction !== null;
  return (
    <Section title="The round in figures">
      <FactList
        wide
        of={[
          ["Budget of the trainers", settled && amount(round.budget)],
          ["Paid", settled && amount(round.paid)],
          ["Left to the pool", settled && amount(round.to_pool)],
          ["Aggregator", <Address address={round.aggregator} role="aggregator" />],
          ["Rule", project.rule_name],
          ["Rows assumed dishonest", settled && round.num_byzantine],
          ["Updates", `${round.submissions} of ${round.members}`],
          ["Owner's root", project.rooted && (round.has_root ? "there" : "missing")],
          [
            "Attestations",
            settled && `${round.approvals} for, ${round.objections} against, of ${round.attesters}`,
          ],
          ["Aggregate", round.aggregate_cid !== null && <ContentId cid={round.aggregate_cid} />],
          ["Opened in", <Transaction hash={round.opened_transaction} />],
          ["Settled in", settled && <Transaction hash={round.settled_transaction} />],
          ["Gas of the settlement", round.settled_gas !== null && formatCount(round.settled_gas)],
          ["Closed in", round.closed_transaction !== null && <Transaction hash={round.closed_transaction} />],
          ["Updates due by", <Time at={round.submit_deadline} />],
          ["Settlement due by", <Time at={round.settle_deadline} />],
          ["Attestations due by", round.attest_deadline !== null && <Time at={round.attest_deadline} />],
        ]}
      />
    </Section>
  );
}
