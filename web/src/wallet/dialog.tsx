/** Shows what is about to be signed, and what became of it. */

import { useEffect, useRef, useState } from "preact/hooks";

import { dismiss, getPhase, onPhase } from "./phase";
import type { Phase } from "./phase";
import type { Prompt } from "./words";

export function TransactionDialog() {
  const [phase, setLocal] = useState(getPhase);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => onPhase(() => setLocal(getPhase())), []);
  useEffect(() => {
    if (phase.name === "idle") dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [phase]);
  return (
    <dialog ref={dialog} class="transaction" aria-label="Transaction" onCancel={onCancel} data-phase={phase.name}>
      <Content phase={phase} />
    </dialog>
  );
}

/** The Escape key answers a question with no; what is under way goes on. */
function onCancel(event: Event): void {
  event.preventDefault();
  const { name } = getPhase();
  if (name !== "working" && name !== "pending") dismiss();
}

function Content({ phase }: { phase: Phase }) {
  switch (phase.name) {
    case "idle":
      return null;
    case "asking":
      return <Question prompt={phase.prompt} answer={phase.answer} />;
    case "working":
      return <Progress title={phase.title} text={phase.doing} />;
    case "pending":
      return <Progress title={phase.title} text={`Sent as ${phase.hash}. Waiting until it is mined…`} />;
    case "done":
      return <Outcome title={phase.title} text={`Done, in block ${phase.blockNumber}.`} />;
    case "failed":
      return <Outcome title={phase.title} text={phase.reason} failed />;
  }
}

function Question({ prompt, answer }: { prompt: Prompt; answer: (yes: boolean) => void }) {
  return (
    <>
      <h2>{prompt.title}</h2>
      <dl>
        {prompt.details.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>This page has checked that what you sign does this and nothing else. Compare it with what your wallet shows.</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => answer(true)}>
          Continue in the wallet
        </button>
        <button type="button" onClick={() => answer(false)}>
          No
        </button>
      </div>
    </>
  );
}

function Progress({ title, text }: { title: string; text: string }) {
  return (
    <>
      <h2>{title}</h2>
      <p role="status">{text}</p>
    </>
  );
}

function Outcome({ title, text, failed = false }: { title: string; text: string; failed?: boolean }) {
  return (
    <>
      <h2>{title}</h2>
      <p role={failed ? "alert" : "status"}>{text}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={dismiss}>
          Close
        </button>
      </div>
    </>
  );
}
