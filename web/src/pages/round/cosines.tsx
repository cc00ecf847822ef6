/** The cosine heat map of a settled round, from the Gram matrix of its evidence. */

import type { RoundDetail } from "../../api/schema";
import { useGet } from "../../api/use";
import { computeCosine } from "../../charts/cosines";
import { HeatMap } from "../../charts/heat-map";
import { sameAddress, shortenHex } from "../../format/hex";
import { Loaded } from "../../ui/loaded";
import { Section } from "../../ui/section";
import { decodeGram } from "../../weighing/matrix";

interface Bundle {
  n: number;
  gram: string;
  trainers: string[];
}

export function Cosines({ round }: { round: RoundDetail }) {
  const answer = useGet<Bundle>(`/v1/projects/${round.project_id}/rounds/${round.round}/evidence`, {
    attempt: round.attempt,
  });
  return (
    <Section
      title="Who points the same way"
      about="Cosines of every two updates: +1 for the same direction, 0 for nothing in common, −1 for the opposite."
    >
      <Loaded answer={answer} what="the evidence">
        {(bundle) => <Map bundle={bundle} round={round} />}
      </Loaded>
    </Section>
  );
}

function Map({ bundle, round }: { bundle: Bundle; round: RoundDetail }) {
  const gram = decodeGram(bundle.gram, bundle.n);
  const root = round.entries.find((entry) => entry.position === 255)?.trainer;
  const labels = bundle.trainers.map((trainer, row) =>
    row === bundle.n - 1 && root !== undefined && sameAddress(root, trainer) ? "the root" : shortenHex(trainer),
  );
  const cosines = labels.map((_, i) => labels.map((_, j) => computeCosine(gram, i, j)));
  return <HeatMap caption={`Cosines of the updates of round ${round.round}`} labels={labels} cosines={cosines} />;
}
