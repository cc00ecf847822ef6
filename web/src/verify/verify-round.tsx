/** "Verify in your browser": recomputes a round, and shows line by line what agrees with whom. */

import { useState } from "preact/hooks";

import { describeError } from "../wallet/errors";
import { useMarket } from "../wallet/market";
import { useConnection } from "../wallet/use-connection";
import { ComparisonTable } from "./comparison";
import { Scope } from "./scope";
import { allEqual } from "./figures";
import type { ProofOutcome } from "./proof";
import { verifyRound } from "./verify";
import type { Round, Verification } from "./verify";

type State =
  | { readonly name: "idle" | "working" }
  | { readonly name: "failed"; readonly reason: string }
  | { readonly name: "done"; readonly verification: Verification };

export function VerifyRound(which: Round) {
  const market = useMarket();
  const { connected } = useConnection();
  const [state, setState] = useState<State>({ name: "idle" });

  async function run(): Promise<void> {
    if (market === null) return;
    setState({ name: "working" });
    try {
      const provider = connected?.wallet.provider ?? null;
      setState({ name: "done", verification: await verifyRound(which, market, provider) });
    } catch (error) {
      setState({ name: "failed", reason: describeError(error) });
    }
  }

  return (
    <section class="verify" aria-labelledby="verify-title">
      <h2 id="verify-title">Verify in your browser</h2>
      <p>
        Your browser weighs this round again from its matrix <var>G</var>, in exact integers, compares every weight,
        contribution, share and strike, and checks the proof. {source(connected !== null)}
      </p>
      <button type="button" class="primary" disabled={market === null || state.name === "working"} onClick={run}>
        Verify this round
      </button>
      {state.name === "working" && <p role="status">Weighing…</p>}
      {state.name === "failed" && <p role="alert">It cannot be verified: {state.reason}</p>}
      {state.name === "done" && market !== null && (
        <>
          <Verdict verification={state.verification} />
          <Scope verification={state.verification} market={market} />
          <ComparisonTable {...state.verification} />
        </>
      )}
    </section>
  );
}

function source(hasWallet: boolean): string {
  return hasWallet
    ? "Matrix and parameters are read from the chain by your wallet's node, not from this server."
    : "Without a wallet, all it knows of the chain is what this server says: connect one to read it from your node.";
}

function Verdict({ verification }: { verification: Verification }) {
  const { checks, sources, proof } = verification;
  const wrong = checks.filter((check) => check.claims.some((claim) => claim.text !== null && !claim.equal));
  const figures = allEqual(checks)
    ? `Equal: all ${checks.length} figures are what ${sources.length} sources say.`
    : `Unequal: ${wrong.length} of ${checks.length} figures differ from what somebody says. They come first below.`;
  const isGood = wrong.length === 0 && proof.name !== "fails";
  return (
    <p
      role="status"
      class={isGood ? "verdict equal" : "verdict unequal"}
      data-unequal={wrong.length}
      data-proof={proof.name}
    >
      {figures} {describeProof(proof)}
    </p>
  );
}

function describeProof(proof: ProofOutcome): string {
  switch (proof.name) {
    case "holds":
      return "The proof holds: the matrix is that of the committed updates.";
    case "fails":
      return `The proof does not hold: ${proof.reason}. The matrix may be anybody's invention.`;
    case "unknown":
      return `The proof was not checked: ${proof.reason}.`;
  }
}
