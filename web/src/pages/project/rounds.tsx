import { useState } from "preact/hooks";

import type { Paged } from "../../api/paged";
import type { ProjectDetail, RoundSummary } from "../../api/schema";
import { shortenHex } from "../../format/hex";
import { formatCount } from "../../format/number";
import { paths } from "../../router";
import { Amount, Symbol } from "../../ui/amount";
import { Badge } from "../../ui/badge";
import { Address, Transaction } from "../../ui/hex";
import { Link } from "../../ui/link";
import { Empty, Loaded } from "../../ui/loaded";
import { More } from "../../ui/more";
import { Section } from "../../ui/section";
import { type Column, Table } from "../../ui/table";

/** As many rows are shown at first, the newest. */
const FIRST = 10;

export function Rounds({ project, list }: { project: ProjectDetail; list: Paged<RoundSummary> }) {
  const [all, showAll] = useState(false);
  return (
    <Section title="Rounds" about="A round that does not become final is repeated, so that a round may have several attempts.">
      <Loaded answer={list} what="rounds">
        {(rounds) =>
          rounds.length === 0 ? (
            <Empty>None yet: the first begins when the project starts.</Empty>
          ) : (
            <>
              <RoundTable rounds={[...rounds].reverse().slice(0, all ? undefined : FIRST)} token={project.token} />
              {!all && rounds.length > FIRST && (
                <p class="more">
                  <button type="button" onClick={() => showAll(true)}>
                    Show all {rounds.length}
                  </button>
                </p>
              )}
            </>
          )
        }
      </Loaded>
      {(all || (list.data?.length ?? 0) <= FIRST) && <More list={list} />}
    </Section>
  );
}

interface Props {
  rounds: RoundSummary[];
  /** Null where they are of several projects. */
  token: string | null;
}

/** Attempts with what each came to. */
export function RoundTable({ rounds, token }: Props) {
  const isRepeated = (of: RoundSummary) =>
    rounds.some(
      ({ round, attempt, project_id }) =>
        round === of.round && attempt !== of.attempt && project_id === of.project_id,
    );
  const money: Column<RoundSummary>[] =
    token === null
      ? [
          {
            head: "Project",
            cell: (round) => <Link to={paths.project(round.project_id)}>{shortenHex(round.project_id)}</Link>,
          },
        ]
      : [
          {
            head: <>Paid, <Symbol token={token} /></>,
            number: true,
            cell: (round) => <Amount amount={round.paid} token={token} bare />,
          },
          {
            head: "To the pool",
            number: true,
            cell: (round) => <Amount amount={round.to_pool} token={token} bare />,
          },
        ];
  return (
    <Table
      caption="Attempts at rounds"
      rows={rounds}
      id={(round) => `${round.project_id}.${round.attempt}`}
      columns={[
        {
          head: "Round",
          heading: true,
          cell: (round) => (
            <Link to={paths.round(round.project_id, round.round, round.attempt)}>
              {round.round}
              {isRepeated(round) && <span class="muted"> · attempt {round.attempt}</span>}
            </Link>
          ),
        },
        { head: "State", cell: (round) => <Badge state={round.outcome === "none" ? round.state : round.outcome} /> },
        { head: "Updates", number: true, cell: (round) => `${round.submissions} of ${round.members}` },
        ...money,
        {
          head: "Gas",
          number: true,
          cell: (round) => (round.settled_gas === null ? "–" : formatCount(round.settled_gas)),
        },
        { head: "Aggregator", cell: (round) => <Address address={round.aggregator} role="aggregator" copy={false} /> },
        { head: "Settled in", cell: (round) => <Transaction hash={round.settled_transaction} /> },
      ]}
    />
  );
}
