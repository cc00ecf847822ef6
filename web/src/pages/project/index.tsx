import { useCallback } from "preact/hooks";

import { useProjectEvents } from "../../api/events";
import { usePaged } from "../../api/paged";
import type { ProjectDetail, RoundShares, RoundSummary } from "../../api/schema";
import { useSpec } from "../../api/spec";
import { useGet } from "../../api/use";
import { shortenHex } from "../../format/hex";
import { Badge } from "../../ui/badge";
import { Address, ContentId, Transaction } from "../../ui/hex";
import { Loaded } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { useTitle } from "../../ui/title";
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
  const project = useGet<ProjectDetail>(`/v1/projects/${id}`);
  const rounds = usePaged<RoundSummary>(`/v1/projects/${id}/rounds`, { limit: MANY });
  const shares = usePaged<RoundShares>(`/v1/projects/${id}/shares`, { limit: MANY });
  const [reloadProject, reloadRounds, reloadShares] = [project.reload, rounds.reload, shares.reload];
  const reload = useCallback(() => {
    reloadProject();
    reloadRounds();
    reloadShares();
  }, [reloadProject, reloadRounds, reloadShares]);
  const stream = useProjectEvents(id, reload);

  return (
    <Loaded answer={project} what="the project">
      {(detail) => (
        <>
          <Head project={detail} />
          <Money project={detail} />
          <Progress project={detail} rounds={rounds.data ?? []} stream={stream} />
          <Accuracy projectId={id} state={detail.state} round={detail.round} />
          <PayPlots project={detail} answer={shares} />
          <Rounds project={detail} list={rounds} />
          <Members project={detail} />
          <Payments project={detail} />
          <Terms project={detail} />
        </>
      )}
    </Loaded>
  );
}

function Head({ project }: { project: ProjectDetail }) {
  const spec = useSpec(project.id);
  const title = spec?.title ?? `Project ${shortenHex(project.id)}`;
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

