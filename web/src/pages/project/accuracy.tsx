/** How good each model is, as the owner says: nobody else has the data, and nothing is decided by it. */

import type { EvaluationPage } from "../../api/schema";
import type { Answer } from "../../api/use";
import { Curve } from "../../charts/curve";
import { formatPart } from "../../format/number";
import { Address } from "../../ui/hex";
import { Empty, Loaded } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { Time } from "../../ui/time";

export function Accuracy({ projectId, answer }: { projectId: string; answer: Answer<EvaluationPage> }) {
  return (
    <Section
      title="Accuracy"
      about="On private data of the owner's, in the owner's words. Nobody else can check it, and pay does not depend on it."
    >
      <Loaded answer={answer} what="evaluations">
        {({ items, published }) =>
          items.length === 0 || published === null ? (
            <Empty>The owner has published no evaluation.</Empty>
          ) : (
            <>
              <Curve
                caption="Accuracy of the model that each round starts from"
                placeName="Round"
                valueName="Accuracy"
                points={items.map((point) => ({ label: String(point.round), value: point.accuracy }))}
                domain={[0, 1]}
                format={formatPart}
              />
              <p class="muted small">
                Signed by <Address address={published.account} />, <Time at={published.issued_at} />.{" "}
                <a href={`/v1/projects/${projectId}/evaluations/signed`}>The signed text</a>
              </p>
            </>
          )
        }
      </Loaded>
    </Section>
  );
}
