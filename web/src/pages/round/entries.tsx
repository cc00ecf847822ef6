/** Every update of an attempt: weight, contribution and share, or why it was left out. */

import type { ProjectDetail, RoundDetail, Submission } from "../../api/schema";
import { divide, sum } from "../../format/amount";
import { formatPart } from "../../format/number";
import { describe } from "../../format/words";
import { Amount, Symbol } from "../../ui/amount";
import { Address, ContentId, Transaction } from "../../ui/hex";
import { Link } from "../../ui/link";
import { Empty } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { type Column, Table } from "../../ui/table";
import { whyPath } from "./why";

const ROOT = 255;

export function Entries({ project, round }: { project: ProjectDetail; round: RoundDetail }) {
  return (
    <Section
      title="Updates"
      about="Weight decides the model, contribution the pay. An update that was left out is told with its reason."
    >
      {round.entries.length === 0 ? (
        <Empty>No update is there yet.</Empty>
      ) : (
        <Table
          caption="Updates and what the settlement made of them"
          rows={round.entries}
          id={(entry) => entry.position}
          rowClass={(entry) => (isPaid(entry) || round.settled_block === null ? "" : "unpaid")}
          columns={round.settled_block === null ? [WHO, ...SUBMITTED] : [WHO, ...makeColumns(project, round), ...SUBMITTED]}
        />
      )}
    </Section>
  );
}

const WHO: Column<Submission> = {
  head: "Trainer",
  heading: true,
  cell: (entry) =>
    entry.position === ROOT ? (
      <>
        Owner's root <Address address={entry.trainer} />
      </>
    ) : (
      <Address address={entry.trainer} role="trainer" />
    ),
};

const SUBMITTED: Column<Submission>[] = [
  { head: "Payload", cell: (entry) => <ContentId cid={entry.cid} /> },
  { head: "Submitted in", cell: (entry) => <Transaction hash={entry.transaction_hash} /> },
];

function makeColumns(project: ProjectDetail, round: RoundDetail): Column<Submission>[] {
  const weights = sum(round.entries.map((entry) => entry.weight ?? 0n));
  const contributions = sum(round.entries.map((entry) => entry.contribution ?? 0n));
  const part = (of: string | null, whole: bigint) => (of === null ? "–" : formatPart(divide(of, whole)));
  return [
    { head: "Row", number: true, cell: (entry) => entry.row ?? "–" },
    { head: "Weight", number: true, cell: (entry) => part(entry.weight, weights) },
    { head: "Contribution", number: true, cell: (entry) => part(entry.contribution, contributions) },
    {
      head: <>Share, <Symbol token={project.token} /></>,
      number: true,
      cell: (entry) => <Amount amount={entry.share} token={project.token} bare />,
    },
    { head: "Outcome", cell: (entry) => <Outcome entry={entry} /> },
    {
      head: "Attested",
      cell: (entry) => (entry.opens === null ? <span class="muted">–</span> : entry.opens ? "It opens" : "Objects"),
    },
    {
      head: <span class="offscreen">Explanation</span>,
      cell: (entry) => entry.position !== ROOT && <Link to={whyPath(round, entry.trainer)}>Why?</Link>,
    },
  ];
}

function Outcome({ entry }: { entry: Submission }) {
  if (entry.position === ROOT) return <>Guides the weights</>;
  if (entry.excluded !== "none") return <strong>Left out: {describe(entry.excluded).toLowerCase()}</strong>;
  if (entry.opposed) return <strong>Struck: against the others</strong>;
  if (isPaid(entry)) return <>Paid</>;
  return entry.weight === "0" ? <>No weight</> : <>Weighed, not paid</>;
}

function isPaid(entry: Submission): boolean {
  return entry.share !== null && entry.share !== "0";
}
