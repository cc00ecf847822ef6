import { useProjectEvents } from "../../api/events";
import { usePaged } from "../../api/paged";
import type { EvaluationPage, Payment, ProjectDetail, RoundShares, RoundSummary } from "../../api/schema";
import { useSpec } from "../../api/spec";
import { useGet } from "../../api/use";
import { shortenHex } from "../../format/hex";
import { nameProject } from "../../format/words";
import { ProjectActions } from "../../owner";
import { Badge } from "../../ui/badge";
import { Address, ContentId, Transaction } from "../../ui/hex";
import { Loaded } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { Untitled, useTitle } from "../../ui/title";
import { Accuracy } from "./accuracy";
import { Members } from "./members";
import { Money } from "./money";
import { Payments } from "./payments";
import { PayPlots } from "./pay-plots";
import { Progress } from "./progress";
import { Rounds } from "./rounds";
import { Terms } from "./terms";

/** As many rounds as plots and tables begin with. */
const MANY = 200;

export function ProjectPage({ id }: { id: string }) {
  const path = `/v1/projects/${id}`;
  const project = useGet<ProjectDetail>(path);
  const rounds = usePaged<RoundSummary>(`${path}/rounds`, { limit: MANY });
  const shares = usePaged<RoundShares>(`${path}/shares`, { limit: MANY });
  const payments = usePaged<Payment>(`${path}/payments`, { limit: 20 });
  const evaluations = useGet<EvaluationPage>(`${path}/evaluations`, { limit: MANY });
  function reload() {
    for (const answer of [project, rounds, shares, payments, evaluations]) answer.reload();
  }
  const stream = useProjectEvents(id, reload);

  return (
    <>
      {project.data === null && <Untitled name={`Project ${shortenHex(id)}`} />}
      <Loaded answer={project} what="the project">
        {(detail) => (
          <>
            <Head project={detail} />
            <Progress project={detail} rounds={rounds.data ?? []} stream={stream} />
            <ProjectActions project={detail} done={reload} />
            <Money project={detail} />
            <PayPlots project={detail} answer={shares} />
            <Accuracy projectId={id} answer={evaluations} />
            <Rounds project={detail} list={rounds} />
            <Members project={detail} />
            <Payments list={payments} />
            <Terms project={detail} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Head({ project }: { project: ProjectDetail }) {
  const spec = useSpec(project.id);
  const title = nameProject(project);
  useTitle(title);
  return (
    <>
      <div class="head">
        <h1>{title}</h1>
        <Badge state={project.state} />
      </div>
      <p class="byline">
        <span>
          by <Address address={project.owner} />
        </span>
        <span>
          project <ContentId cid={project.id} />
        </span>
        <span>
          created in <Transaction hash={project.transaction_hash} />
        </span>
        <span>
          specification <ContentId cid={project.spec_cid} />
        </span>
      </p>
      {spec !== null && (
        <Section title="Task">
          {spec.task.split("\n\n").map((paragraph, index) => (
            <p key={index} class="prose">
              {paragraph}
            </p>
          ))}
        </Section>
      )}
    </>
  );
}

