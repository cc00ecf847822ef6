import type { ProjectSummary } from "../../api/schema";
import { nameProject } from "../../format/words";
import { formatCount } from "../../format/number";
import { paths } from "../../router";
import { Amount } from "../../ui/amount";
import { Badge } from "../../ui/badge";
import { Facts } from "../../ui/facts";
import { Address } from "../../ui/hex";
import { Link } from "../../ui/link";
import { Deadline } from "../../ui/time";

export function ProjectCard({ project }: { project: ProjectSummary }) {
  return (
    <li class="card">
      <div class="head">
        <h2>
          <Link to={paths.project(project.id)}>{nameProject(project)}</Link>
        </h2>
        <Badge state={project.state} />
      </div>
      <Facts
        of={[
          ["Budget", <Amount amount={project.budget} token={project.token} />],
          ["Rounds", describeRounds(project)],
          ["Trainers", describeTrainers(project)],
          ["Stake", <Amount amount={project.min_stake} token={project.token} />],
          ["Parameters", formatCount(project.dimension)],
          ["Rule", project.rule_name],
          ["Owner", <Address address={project.owner} />],
          ["Enrolment ends", project.state === "enrolling" && <Deadline at={project.enrol_deadline} />],
        ]}
      />
    </li>
  );
}

/** Everybody has left a project that has ended. */
function describeTrainers(project: ProjectSummary): string {
  const isOpen = project.state === "enrolling" || project.state === "running";
  return isOpen ? `${project.trainers} of ${project.max_trainers}` : `up to ${project.max_trainers}`;
}

function describeRounds(project: ProjectSummary): string {
  if (project.state === "enrolling" || project.state === "cancelled") return String(project.rounds);
  const done = project.state === "completed" ? project.rounds : project.round;
  return `${done} of ${project.rounds} done`;
}
