/** Every figure that was computed, beside what each source says of it. */

import type { Check, Claim, Recomputed } from "./figures";
import { BUNDLE, CHAIN, SERVER } from "./verify";

const HEADINGS: Readonly<Record<string, string>> = {
  [SERVER]: "this server's pages",
  [BUNDLE]: "evidence bundle",
  [CHAIN]: "chain, by your node",
};

/** A matrix is shown by its first digits: its 4·n·(n + 1) bytes are in the evidence bundle. */
const LONGEST = 80;

interface Props {
  readonly recomputed: Recomputed;
  readonly checks: readonly Check[];
  readonly sources: readonly string[];
}

export function ComparisonTable({ recomputed, checks, sources }: Props) {
  const lines = [...checks.filter(isUnequal), ...checks.filter((check) => !isUnequal(check))];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Comparison, line by line">
      <table class="comparison">
        <thead>
          <tr>
            <th scope="col">figure</th>
            <th scope="col">computed here</th>
            {sources.map((source) => (
              <th key={source} scope="col">
                {HEADINGS[source]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((check) => (
            <Line key={`${check.figure} ${check.row}`} check={check} recomputed={recomputed} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ check, recomputed }: { check: Check; recomputed: Recomputed }) {
  const label = check.row === null ? check.figure : `${check.figure}, row ${check.row}`;
  const verdict = check.figure === "share" && check.row !== null ? ` (${recomputed.verdicts[check.row]})` : "";
  return (
    <tr class={isUnequal(check) ? "unequal" : "equal"} data-figure={check.figure} data-row={check.row}>
      <th scope="row">{label}</th>
      <td>
        <code>{cut(check.computed)}</code>
        {verdict}
      </td>
      {check.claims.map((claim) => (
        <td key={claim.source} class={state(claim)} data-source={claim.source}>
          {claim.text === null ? "says nothing" : claim.equal ? "equal" : <Contradiction text={claim.text} />}
        </td>
      ))}
    </tr>
  );
}

function Contradiction({ text }: { text: string }) {
  return (
    <>
      <strong>unequal</strong>: <code>{cut(text)}</code>
    </>
  );
}

function isUnequal(check: Check): boolean {
  return check.claims.some((claim) => claim.text !== null && !claim.equal);
}

function state(claim: Claim): string {
  return claim.text === null ? "silent" : claim.equal ? "equal" : "unequal";
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
