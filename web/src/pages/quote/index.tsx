/** What a project would cost, before there is one. */

import type { Quote } from "../../api/schema";
import { useDeployment } from "../../api/deployment";
import { useGet } from "../../api/use";
import { navigate } from "../../router";
import { Loaded } from "../../ui/loaded";
import { useLocation } from "../../ui/location";
import { useTitle } from "../../ui/title";
import { Costs } from "./costs";
import { DEFAULTS, FIELDS, type Plan, readPlan, toQuery, writePlan } from "./plan";

export function QuotePage() {
  const plan = readPlan(useLocation().search);
  const answer = useGet<Quote>("/v1/quotes", toQuery(plan));
  useTitle("Quote");
  return (
    <>
      <h1>Quote</h1>
      <p class="about">
        Gas of every role and the time of the proofs, beforehand. Settlements are right within 5 %, closings within about
        20 %, if every round becomes final.
      </p>
      <PlanForm plan={plan} />
      <Loaded answer={answer} what="the quote">
        {(quote) => <Costs quote={quote} gwei={plan.gas_price_gwei} />}
      </Loaded>
    </>
  );
}

function PlanForm({ plan }: { plan: Plan }) {
  const deployment = useDeployment();
  const rules = Object.keys(deployment?.rules ?? {});

  function submit(event: SubmitEvent) {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const chosen: Plan = { ...DEFAULTS };
    for (const [name, value] of new FormData(event.currentTarget)) {
      if (name in chosen && typeof value === "string" && value !== "") chosen[name as keyof Plan] = value;
    }
    navigate(writePlan(chosen));
  }

  return (
    <form class="filters" onSubmit={submit} key={writePlan(plan)} aria-label="Plan">
      <div class="row">
        {FIELDS.map(({ name, label, min, max, step }) => (
          <label key={name}>
            {label}
            <input type="number" name={name} min={min} max={max} step={step} defaultValue={plan[name]} required />
          </label>
        ))}
        <label>
          Rule
          <select name="rule">
            <option value="">the usual one</option>
            {rules.map((rule) => (
              <option key={rule} value={rule} selected={rule === plan.rule}>
                {rule}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Compute
        </button>
      </div>
    </form>
  );
}
