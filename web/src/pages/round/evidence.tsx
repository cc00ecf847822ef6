import { buildPath } from "../../api/client";
import type { RoundDetail } from "../../api/schema";
import { Section } from "../../ui/section";

/** The file with which anybody checks the round, without this server and without a node. */
export function Evidence({ round }: { round: RoundDetail }) {
  const url = buildPath(`/v1/projects/${round.project_id}/rounds/${round.round}/evidence`, { attempt: round.attempt });
  const file = `round-${round.round}-attempt-${round.attempt}.json`;
  return (
    <Section
      title="Evidence"
      about="Commitments, Gram matrix, proof, weights and shares in one file. It is checked offline, without this server."
    >
      <p>
        <a class="button" href={url} download={file}>
          Download the evidence bundle
        </a>
      </p>
      <pre tabIndex={0}>
        <code>steelyard verify evidence {file}</code>
      </pre>
    </Section>
  );
}
