import type { ReputationChange } from "../../api/schema";
import { Curve } from "../../charts/curve";
import { formatBps } from "../../format/number";
import { Empty } from "../../ui/loaded";
import { Section } from "../../ui/section";

const FULL_BPS = 10_000;

/** Reputation after each change, the oldest first. */
export function Reputation({ changes, now }: { changes: ReputationChange[]; now: number }) {
  const order = [...changes].reverse();
  const first = order[0];
  return (
    <Section
      title="Reputation"
      about="It rises with paid rounds and falls with absences (a sixteenth) and strikes (an eighth). Projects may ask for some."
    >
      {first === undefined ? (
        <Empty>No round has changed it: {formatBps(now)}.</Empty>
      ) : (
        <Curve
          caption="Reputation after each change"
          placeName="Change"
          valueName="Reputation"
          points={[
            { label: "0", value: first.previous },
            ...order.map((change, index) => ({ label: String(index + 1), value: change.current })),
          ]}
          domain={[0, FULL_BPS]}
          format={formatBps}
          steps
        />
      )}
    </Section>
  );
}
