/** Where a project stands right now, and until when the next step may take. */

import type { StreamState } from "../../api/events";
import type { ProjectDetail, RoundSummary } from "../../api/schema";
import { pluralise } from "../../format/number";
import { describe } from "../../format/words";
import { paths } from "../../router";
import { Link } from "../../ui/link";
import { Section } from "../../ui/section";
import { Deadline } from "../../ui/time";
import { Phases } from "../round/phases";

interface Props {
  project: ProjectDetail;
  rounds: RoundSummary[];
  stream: StreamState;
}

export function Progress({ project, rounds, stream }: Props) {
  const current = rounds.findLast((round) => round.attempt === project.attempt);
  if (project.state !== "enrolling" && project.state !== "running") return null;
  return (
    <Section title="Now">
      <p aria-live="polite">{describeNow(project, current)}</p>
      {project.state === "enrolling" && (
        <p>
          Enrolment ends <Deadline at={project.enrol_deadline} />. The owner may start as soon as{" "}
          {pluralise(project.min_trainers, "trainer")} have enrolled.
        </p>
      )}
      {current !== undefined && project.state === "running" && (
        <>
          <Phases round={current} />
          <p>
            <Link to={paths.round(project.id, current.round)}>Round {current.round} in detail</Link>
          </p>
        </>
      )}
      <p class="muted small" role="status">
        {STREAM[stream]}
      </p>
    </Section>
  );
}

const STREAM: Record<StreamState, string> = {
  connecting: "Connecting to the event stream …",
  live: "Live: this page follows the chain.",
  broken: "The event stream was interrupted. The browser tries again by itself.",
  refused: "There is no event stream to be had: load the page again for newer figures.",
};

/** One sentence, which screen readers are told whenever it changes. */
export function describeNow(project: ProjectDetail, round: RoundSummary | undefined): string {
  if (project.state === "enrolling") {
    return `${project.trainers} of ${project.max_trainers} trainers have enrolled; ${project.min_trainers} are needed.`;
  }
  if (round === undefined) return "No round has begun.";
  const name = `Round ${round.round} of ${project.rounds}${round.attempt > round.round + 1 ? `, attempt ${round.attempt}` : ""}`;
  switch (round.state) {
    case "collecting":
      return `${name}: ${round.submissions} of ${round.members} updates are there.`;
    case "weighing":
      return `${name}: the aggregator weighs ${pluralise(round.submissions, "update")}.`;
    case "attesting":
      return `${name}: ${round.approvals + round.objections} of ${round.attesters} trainers have attested, ${round.objections} against.`;
    default:
      return `${name}: ${describe(round.outcome === "none" ? round.state : round.outcome).toLowerCase()}.`;
  }
}
