/** A new project, from the first word to the escrow. */

import { useEffect, useState } from "preact/hooks";
import { isAddress } from "viem";

import { openNode } from "../chain/provider";
import { readToken } from "../chain/token";
import type { Token } from "../chain/token";
import { navigate, paths } from "../router";
import type { Connected } from "../wallet/connection";
import { useMarket } from "../wallet/market";
import type { Market } from "../wallet/market";
import { useConnection } from "../wallet/use-connection";
import { createProject } from "./create";
import { Estimate } from "./estimate";
import { FieldInput } from "./field-input";
import { isShown, SECTIONS } from "./fields";
import type { Field, Section } from "./fields";
import { forgetValues } from "./saved";
import { useDraft } from "./use-draft";
import type { DraftState } from "./use-draft";

/** Of tokens nearly always; what the token itself says is used as soon as a wallet can ask it. */
const USUAL_DECIMALS = 18;

export function ProjectWizard() {
  const market = useMarket();
  const { connected } = useConnection();
  const [token, setToken] = useState<Token | null>(null);
  const draft = useDraft(token?.decimals ?? USUAL_DECIMALS);
  const address = draft.values["token"] || (market?.token ?? "");

  useEffect(() => {
    setToken(null);
    if (connected === null || !isAddress(address)) return;
    let isCurrent = true;
    readToken(openNode(connected.wallet.provider), address)
      .then((facts) => isCurrent && setToken(facts))
      .catch(() => undefined);
    return () => {
      isCurrent = false;
    };
  }, [connected?.wallet, connected?.chainId, address]);

  useEffect(() => {
    if (draft.values["token"] === "" && market?.token) draft.change("token", market.token);
  }, [market?.token]);

  if (market === null) return <p role="status">Asking the server…</p>;
  return (
    <form class="wizard" onSubmit={(event) => event.preventDefault()}>
      <h1>New project</h1>
      <p>
        What you type stays in this browser until you create the project. A confidential project is made with{" "}
        <code>steelyard owner create</code>, because its model is sealed on your machine.
      </p>
      {SECTIONS.map((section) => (
        <Fields key={section.title} section={section} draft={draft} market={market} />
      ))}
      <Summary draft={draft} market={market} token={token} connected={connected} />
    </form>
  );
}

function Fields({ section, draft, market }: { section: Section; draft: DraftState; market: Market }) {
  const { faults } = draft;
  const inputs = section.fields
    .filter((field) => isShown(field, draft.values))
    .map((field) => (
      <FieldInput
        key={field.name}
        field={withRules(field, market)}
        value={draft.values[field.name] ?? ""}
        fault={faults[field.name]}
        change={(value) => draft.change(field.name, value)}
        leave={() => draft.leave(field.name)}
      />
    ));
  if (!section.folded) {
    return (
      <fieldset>
        <legend>{section.title}</legend>
        {inputs}
      </fieldset>
    );
  }
  const hasFault = section.fields.some((field) => faults[field.name] !== undefined);
  return (
    <details open={hasFault}>
      <summary>{section.title}: the defaults will do</summary>
      {inputs}
    </details>
  );
}

function withRules(field: Field, market: Market): Field {
  return field.name === "rule" ? { ...field, choices: Object.keys(market.rules) } : field;
}

interface SummaryProps {
  readonly draft: DraftState;
  readonly market: Market;
  readonly token: Token | null;
  readonly connected: Connected | null;
}

function Summary({ draft, market, token, connected }: SummaryProps) {
  const [model, setModel] = useState<Blob | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { reading, checked, refusals } = draft;
  const isFaulty = reading.draft === null;
  const isReady = connected !== null && !isBusy && (isFaulty || (token !== null && checked !== null));

  async function create(): Promise<void> {
    if (isFaulty) draft.showFaults();
    if (connected === null || token === null || checked === null || reading.draft === null) return;
    setBusy(true);
    try {
      const plan = { draft: reading.draft, token: token.address, dimension: checked.dimension, model };
      const id = await createProject(connected, market, plan);
      if (id === null) return;
      forgetValues();
      navigate(paths.project(id));
    } catch {
      // The dialog has told it.
    } finally {
      setBusy(false);
    }
  }

  return (
    <section class="summary" aria-live="polite">
      <h2>What it takes</h2>
      {refusals.length > 0 && (
        <ul class="fault" role="alert">
          {refusals.map((refusal) => (
            <li key={refusal}>{refusal}</li>
          ))}
        </ul>
      )}
      {checked !== null && reading.draft !== null && token !== null && (
        <Estimate draft={reading.draft} checked={checked} token={token} />
      )}
      <div class="field">
        <label for="model-file">Initial model (optional)</label>
        <input
          id="model-file"
          type="file"
          accept=".safetensors"
          onChange={(event) => setModel(event.currentTarget.files?.[0] ?? null)}
        />
        <p class="hint">A safetensors file with the model's parameters, to start from instead of the seed.</p>
      </div>
      {Object.keys(draft.faults).length > 0 && <p role="alert">Some fields above need another look.</p>}
      {connected === null && <p>Connect a wallet to create the project.</p>}
      {!market.hasStorage && <p role="alert">This server has no storage: drafts cannot be put on it.</p>}
      <button type="button" class="primary" disabled={!isReady || !market.hasStorage} onClick={create}>
        Create and fund
      </button>
    </section>
  );
}
