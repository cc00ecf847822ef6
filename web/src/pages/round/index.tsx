import { useProjectEvents } from "../../api/events";
import type { ProjectDetail, RoundDetail } from "../../api/schema";
import { useGet } from "../../api/use";
import { nameProject } from "../../format/words";
import { paths } from "../../router";
import { Badge } from "../../ui/badge";
import { Link } from "../../ui/link";
import { Loaded } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { Untitled, useTitle } from "../../ui/title";
import { VerifyRound } from "../../verify";
import { describeNow } from "../project/progress";
import { Cosines } from "./cosines";
import { Entries } from "./entries";
import { Evidence } from "./evidence";
import { Facts } from "./facts";
import { Phases } from "./phases";
import { Why } from "./why";

export function RoundPage({ id, round, attempt }: { id: string; round: number; attempt: number | null }) {
  const project = useGet<ProjectDetail>(`/v1/projects/${id}`);
  const answer = useGet<RoundDetail>(`/v1/projects/${id}/rounds/${round}`, { attempt });
  useProjectEvents(id, () => {
    project.reload();
    answer.reload();
  });
  return (
    <>
      {project.data !== null && <Trail project={project.data} round={round} />}
      {(project.data === null || answer.data === null) && <Untitled name={`Round ${round}`} />}
      <Loaded answer={project} what="the project">
        {(of) => (
          <Loaded answer={answer} what="the round">
            {(detail) => <Round project={of} detail={detail} />}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

function Trail({ project, round }: { project: ProjectDetail; round: number }) {
  const name = nameProject(project);
  return (
    <nav class="trail" aria-label="Where you are">
      <Link to={paths.project(project.id)}>{name}</Link>
      <span aria-hidden="true"> / </span>
      {round > 0 && <Link to={paths.round(project.id, round - 1)}>← Round {round - 1}</Link>}
      {round < project.round && <Link to={paths.round(project.id, round + 1)}>Round {round + 1} →</Link>}
    </nav>
  );
}

function Round({ project, detail }: { project: ProjectDetail; detail: RoundDetail }) {
  const settled = detail.settled_block !== null;
  useTitle(`Round ${detail.round} of ${nameProject(project)}`);
  return (
    <>
      <div class="head">
        <h1>
          Round {detail.round} {detail.attempts.length > 1 && <small>attempt {detail.attempt}</small>}
        </h1>
        <Badge state={detail.outcome === "none" ? detail.state : detail.outcome} />
      </div>
      <Attempts detail={detail} />
      {detail.outcome === "none" && (
        <Section title="Now">
          <p aria-live="polite">{describeNow({ ...project, state: "running" }, detail)}</p>
          <Phases round={detail} />
        </Section>
      )}
      <Facts project={project} round={detail} />
      <Entries project={project} round={detail} />
      {settled && <Why round={detail} token={project.token} />}
      {settled && <Cosines round={detail} />}
      {settled && <VerifyRound projectId={project.id} round={detail.round} attempt={detail.attempt} />}
      {settled && <Evidence round={detail} />}
    </>
  );
}

function Attempts({ detail }: { detail: RoundDetail }) {
  if (detail.attempts.length < 2) return null;
  return (
    <nav aria-label="Attempts" class="tabs">
      {detail.attempts.map((attempt, index) => (
        <Link
          key={attempt}
          to={paths.round(detail.project_id, detail.round, attempt)}
          current={attempt === detail.attempt}
        >
          {index + 1 === detail.attempts.length ? "Last attempt" : `Attempt ${attempt}`}
        </Link>
      ))}
    </nav>
  );
}
