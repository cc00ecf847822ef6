import type { ProjectDetail } from "../../api/schema";
import { getColour } from "../../charts/colours";
import { describe } from "../../format/words";
import { Amount, Symbol } from "../../ui/amount";
import { Address } from "../../ui/hex";
import { Empty } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { Table } from "../../ui/table";

export function Members({ project }: { project: ProjectDetail }) {
  return (
    <Section title="Trainers">
      {project.members.length === 0 ? (
        <Empty>Nobody has enrolled yet.</Empty>
      ) : (
        <Table
          caption="Trainers of the project"
          rows={project.members}
          id={(member) => member.trainer}
          columns={[
            {
              head: "Trainer",
              heading: true,
              cell: (member) => (
                <span class="labelled">
                  <span class="swatch" style={{ background: getColour(member.slot) }} />
                  <Address address={member.trainer} role="trainer" />
                </span>
              ),
            },
            { head: "Place", cell: (member) => describeLeft(member.left, member.leaving) },
            { head: "Strikes", number: true, cell: (member) => `${member.strikes} of ${project.max_strikes}` },
            { head: "Absences in a row", number: true, cell: (member) => `${member.absences} of ${project.max_absences}` },
            {
              head: <>Earned, <Symbol token={project.token} /></>,
              number: true,
              cell: (member) => <Amount amount={member.earned} token={project.token} bare />,
            },
            {
              head: "From the pool",
              number: true,
              cell: (member) => <Amount amount={member.pool_split} token={project.token} bare />,
            },
          ]}
        />
      )}
    </Section>
  );
}

function describeLeft(left: string, leaving: boolean): string {
  if (left !== "none") return describe(left);
  return leaving ? "Leaving" : "Takes part";
}
