/** What can be done with a project as it stands: by its owner, by a trainer, by anybody. */

import { isAddressEqual } from "viem";
import type { Address, Hex } from "viem";

import type { ProjectDetail } from "../api/schema";
import { EnrolForm } from "../trainer/enrol-form";
import { Action } from "../wallet/action";
import { transact } from "../wallet/transact";
import { useConnection } from "../wallet/use-connection";
import { ReaderActions } from "./reader-actions";

interface Props {
  readonly project: ProjectDetail;
  readonly done?: () => void;
}

type Name = "start" | "cancel" | "poke" | "leave";

const LABELS: Readonly<Record<Name, string>> = {
  start: "Start the first round",
  cancel: "Cancel, and take the budget back",
  poke: "Record what a deadline has decided",
  leave: "Leave the project",
};

export function ProjectActions({ project, done }: Props) {
  const { connected } = useConnection();
  if (!isOpen(project)) return null;
  if (connected === null) return <p class="hint">Connect a wallet to enrol, start, cancel or poke.</p>;
  const isOwner = isAddressEqual(connected.account, project.owner as Address);
  const isMember = project.members.some(
    (member) => member.left === "none" && isAddressEqual(member.trainer as Address, connected.account),
  );
  return (
    <section class="actions" aria-labelledby="actions-title">
      <h2 id="actions-title">Act</h2>
      <div class="buttons">
        {listNames(project, isOwner, isMember).map((name) => (
          <Action
            key={name}
            done={done}
            disabled={name === "start" && project.trainers < project.min_trainers}
            deed={async (account, market) =>
              (await transact(account, market, { name, project_id: project.id as Hex })) !== null
            }
          >
            {LABELS[name]}
          </Action>
        ))}
      </div>
      {project.state === "enrolling" && !isMember && <EnrolForm project={project} done={done} />}
      {isOwner && <ReaderActions project={project} done={done} />}
    </section>
  );
}

function isOpen(project: ProjectDetail): boolean {
  return project.state === "enrolling" || project.state === "running";
}

/** The owner may start as soon as there are enough trainers; anybody once the project is full or enrolment is over. */
function listNames(project: ProjectDetail, isOwner: boolean, isMember: boolean): Name[] {
  const isEnrolling = project.state === "enrolling";
  const isDue = project.trainers === project.max_trainers || project.enrol_deadline * 1_000 <= Date.now();
  return [
    ...(isEnrolling && (isOwner || isDue) ? (["start"] as const) : []),
    ...(isEnrolling && isOwner ? (["cancel"] as const) : []),
    "poke",
    ...(isMember ? (["leave"] as const) : []),
  ];
}
