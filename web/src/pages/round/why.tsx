/** "Why is my reward this number?": the explanation of one trainer's payment, weighed again by the backend. */

import { useEffect, useRef } from "preact/hooks";

import type { Explanation, RoundDetail } from "../../api/schema";
import { useGet } from "../../api/use";
import { shortenHex } from "../../format/hex";
import { navigate, paths } from "../../router";
import { Loaded } from "../../ui/loaded";
import { useLocation } from "../../ui/location";
import { Section } from "../../ui/section";
import { ExplanationText } from "./explanation-text";

/** The round's page with a trainer's explanation open. */
export function whyPath(round: RoundDetail, trainer: string): string {
  return `${paths.round(round.project_id, round.round)}?attempt=${round.attempt}&why=${trainer}`;
}

export function Why({ round, token }: { round: RoundDetail; token: string }) {
  const asked = new URLSearchParams(useLocation().search).get("why");
  const trainers = round.entries.filter((entry) => entry.position !== 255).map((entry) => entry.trainer);
  const chosen = trainers.find((trainer) => trainer === asked) ?? null;
  const section = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (chosen !== null) section.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <div ref={section}>
      <Section
        title="Why is my reward this number?"
        about="Every figure that decided a payment, computed again from the round's public matrix."
      >
        <label class="inline">
          Trainer{" "}
          <select
            value={chosen ?? ""}
            onChange={(event) => navigate(whyPath(round, event.currentTarget.value), { replace: true })}
          >
            <option value="">choose …</option>
            {trainers.map((trainer) => (
              <option key={trainer} value={trainer} selected={trainer === chosen}>
                {shortenHex(trainer)}
              </option>
            ))}
          </select>
        </label>
        {chosen !== null && <Reasons key={chosen} round={round} trainer={chosen} token={token} />}
      </Section>
    </div>
  );
}

function Reasons({ round, trainer, token }: { round: RoundDetail; trainer: string; token: string }) {
  const answer = useGet<Explanation>(
    `/v1/projects/${round.project_id}/rounds/${round.round}/explanation/${trainer}`,
    { attempt: round.attempt },
  );
  return (
    <Loaded answer={answer} what="the explanation">
      {(explanation) => <ExplanationText explanation={explanation} token={token} />}
    </Loaded>
  );
}
