/** Says exactly what a verification is about, and what it is not. */

import type { Market } from "../wallet/market";
import type { Verification } from "./verify";

export function Scope({ verification, market }: { verification: Verification; market: Market }) {
  const { blockNumber, proof, recomputed, transaction } = verification;
  const left = recomputed.figures.exclusions?.length ?? 0;
  return (
    <div class="scope">
      <h3>What was checked</h3>
      <ul>
        {blockNumber === null ? (
          <li>
            Matrix, proof, rule, parameters and exclusions came from this server alone. That they are the chain's was{" "}
            <strong>not</strong> checked.
          </li>
        ) : (
          <li>
            Matrix, proof, trainers and exclusions were read from the events of transaction <code>{transaction}</code> in block{" "}
            {blockNumber.toString()}, rule and parameters from the marketplace <code>{market.marketplace}</code> on chain{" "}
            {market.chainId}, both by your wallet's node. That this is the right marketplace is for you to know.
          </li>
        )}
        <li>
          The zero-knowledge proof that <var>G</var> is the matrix of the committed updates, against the ceremony that this
          page has built in; and the hash of each row's commitments against what its trainer posted.
        </li>
        <li>
          From these, <var>f</var>, what the rows share, every weight, contribution, share and strike were computed here,
          and held against what the sources say.
        </li>
        <li>
          The aggregator left out {left} of the submissions, and could have left out {recomputed.maxExclusions} at most.
          Whether its reasons are true cannot be seen from here.
        </li>
      </ul>
      <h3>What was not</h3>
      <ul>
        {proof.name === "unknown" && <li>The proof, because {proof.reason}. The contract checked it.</li>}
        <li>
          That the published model is the weighted sum of the updates: trainers attest it, and{" "}
          <code>steelyard verify round</code> recomputes it.
        </li>
      </ul>
    </div>
  );
}
