/** The projects that a trainer is or was in, with what its next fault there would cost. */

import type { Membership, Penalty } from "../../api/schema";
import { describe, nameProject } from "../../format/words";
import { paths } from "../../router";
import { Amount } from "../../ui/amount";
import { Badge } from "../../ui/badge";
import { Link } from "../../ui/link";
import { Empty } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { Table } from "../../ui/table";

export function Places({ places }: { places: Membership[] }) {
  return (
    <Section
      title="Projects"
      about="A strike is for an update without weight that points against the others; an absence for one that is late, missing or unusable."
    >
      {places.length === 0 ? (
        <Empty>In no project yet.</Empty>
      ) : (
        <Table
          caption="Projects of the trainer"
          rows={places}
          id={(place) => place.project_id}
          columns={[
            {
              head: "Project",
              heading: true,
              cell: (place) => (
                <Link to={paths.project(place.project_id)}>
                  {nameProject({ id: place.project_id, title: place.title })}
                </Link>
              ),
            },
            { head: "State", cell: (place) => <Badge state={place.state} /> },
            { head: "Place", cell: (place) => (place.left === "none" ? "Takes part" : describe(place.left)) },
            {
              head: "Earned",
              number: true,
              cell: (place) => <Amount amount={place.earned} token={place.token} />,
            },
            {
              head: "From the pool",
              number: true,
              cell: (place) => <Amount amount={place.pool_split} token={place.token} />,
            },
            { head: "Strikes", number: true, cell: (place) => `${place.strikes} of ${place.next_strike.limit}` },
            { head: "Absences", number: true, cell: (place) => `${place.absences} of ${place.next_absence.limit}` },
          ]}
        />
      )}
      <NextFaults places={places.filter((place) => place.left === "none")} />
    </Section>
  );
}

/** What the next fault costs, where the trainer still takes part. */
function NextFaults({ places }: { places: Membership[] }) {
  if (places.length === 0) return null;
  return (
    <>
      <h3>What the next fault costs</h3>
      <ul>
        {places.map((place) => (
          <li key={place.project_id}>
            {nameProject({ id: place.project_id, title: place.title })}: a strike costs{" "}
            <Cost penalty={place.next_strike} token={place.token} usual="an eighth of the reputation" />; an absence{" "}
            <Cost penalty={place.next_absence} token={place.token} usual="a sixteenth of the reputation" />.
          </li>
        ))}
      </ul>
    </>
  );
}

function Cost({ penalty, token, usual }: { penalty: Penalty; token: string; usual: string }) {
  return (
    <>
      the round's pay, {usual}
      {penalty.removes && <strong>, the place</strong>}
      {penalty.slash !== "0" && (
        <strong>
          {" "}
          and <Amount amount={penalty.slash} token={token} /> of the stake
        </strong>
      )}
    </>
  );
}
