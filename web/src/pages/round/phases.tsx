import type { RoundSummary } from "../../api/schema";
import { Deadline } from "../../ui/time";

interface Phase {
  name: string;
  done: number;
  of: number;
  deadline: number | null;
  unit: string;
}

const ORDER = ["collecting", "weighing", "attesting", "decided"];

/** The three phases of an attempt, with what has been done of each. */
export function Phases({ round }: { round: RoundSummary }) {
  const settled = round.settled_block !== null;
  const phases: Phase[] = [
    { name: "Collecting", done: round.submissions, of: round.members, deadline: round.submit_deadline, unit: "updates" },
    { name: "Weighing", done: settled ? 1 : 0, of: 1, deadline: round.settle_deadline, unit: "settlement" },
    {
      name: "Attesting",
      done: round.approvals + round.objections,
      of: round.attesters,
      deadline: round.attest_deadline,
      unit: "votes",
    },
  ];
  const current = ORDER.indexOf(round.state);
  return (
    <ol class="phases">
      {phases.map((phase, place) => (
        <li key={phase.name} class={place < current ? "past" : place === current ? "current" : "coming"}>
          <span class="name">{phase.name}</span>
          <progress
            value={place > current ? 0 : phase.of === 0 ? 0 : phase.done}
            max={Math.max(1, phase.of)}
            aria-label={phase.name}
          />
          <span class="count">
            {place > current ? "–" : `${phase.done} of ${phase.of} ${phase.unit}`}
          </span>
          {place === current && phase.deadline !== null && phase.deadline > 0 && (
            <span class="deadline">
              ends <Deadline at={phase.deadline} />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}
