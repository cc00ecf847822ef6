import type { ProjectDetail, ProjectSpec, TrainingPhase } from "../../api/schema";
import { useSpec } from "../../api/spec";
import { formatBps, formatCount, pluralise } from "../../format/number";
import { formatSpan } from "../../format/time";
import { Amount } from "../../ui/amount";
import { Facts } from "../../ui/facts";
import { Address } from "../../ui/hex";
import { Section } from "../../ui/section";

/** What everybody agreed to: on chain, and never changed. */
export function Terms({ project }: { project: ProjectDetail }) {
  const amount = (of: string) => <Amount amount={of} token={project.token} />;
  return (
    <Section title="Terms" about="Fixed when the project was created; the contract enforces them.">
      <Facts
        wide
        of={[
          ["Token", <Address address={project.token} />],
          ["Rule", `${project.rule_name}${project.rooted ? ", held against the owner's root" : ""}`],
          ["Rule's contract", <Address address={project.rule} />],
          ["Proof verifier", <Address address={project.verifier} />],
          ["Dishonest updates withstood", formatBps(project.byzantine_bps)],
          ["Trainers", `${project.min_trainers} to ${project.max_trainers}`],
          ["Reputation needed", formatBps(project.min_reputation_bps)],
          ["Trainer's stake", amount(project.min_stake)],
          ["Strikes until the place is lost", String(project.max_strikes)],
          ["Stake lost with it", formatBps(project.slash_bps)],
          ["Absences in a row until the place is lost", String(project.max_absences)],
          ["Aggregator", <Address address={project.aggregator} role="aggregator" />],
          ["Aggregator's fee", formatBps(project.aggregator_fee_bps)],
          ["Aggregator's stake", amount(project.aggregator_stake)],
          ["Lost for a missed deadline", formatBps(project.aggregator_slash_bps)],
          ["Time to enrol", formatSpan(project.enrol_seconds)],
          ["Time to submit", formatSpan(project.submit_seconds)],
          ["Time to settle", formatSpan(project.settle_seconds)],
          ["Time to attest", formatSpan(project.attest_seconds)],
          ["Parameters of the model", formatCount(project.dimension)],
        ]}
      />
      <Specification projectId={project.id} />
      {project.readers.length > 0 && (
        <>
          <h3>Readers besides the members</h3>
          <ul>
            {project.readers.map((reader) => (
              <li key={reader.reader}>
                <Address address={reader.reader} /> from round {reader.from_round}
                {reader.revoked && ", revoked since"}
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}

function Specification({ projectId }: { projectId: string }) {
  const spec = useSpec(projectId);
  if (spec === null) return null;
  const { model, data, training, quantisation } = spec;
  return (
    <>
      <h3>Specification</h3>
      <Facts
        wide
        of={[
          ["Model", describeModel(model)],
          ["Data", `${data.feature_shape.join(" × ")} features, ${data.classes} classes`],
          ["Training", training.map(describePhase).join("; ")],
          ["Quantisation", `scale ${formatCount(quantisation.scale)}, norm up to ${quantisation.l2_norm_clip}`],
          ["Models", spec.confidential ? "confidential: for members and whom the owner lets in" : "public"],
          ["Sealing", spec.sealing ?? "x25519"],
          ["Shortness proof", spec.shortness ?? "required"],
        ]}
      />
    </>
  );
}

function describeModel({ name, ...rest }: ProjectSpec["model"]): string {
  const settings = Object.entries(rest).map(
    ([key, value]) => `${key} ${Array.isArray(value) ? value.join("-") : String(value)}`,
  );
  return settings.length === 0 ? name : `${name} (${settings.join(", ")})`;
}

function describePhase(phase: TrainingPhase): string {
  const from = phase.first_round === 0 ? "" : `from round ${phase.first_round}: `;
  return `${from}${pluralise(phase.epochs, "epoch")} in batches of ${phase.batch_size}, rate ${phase.learning_rate}`;
}
