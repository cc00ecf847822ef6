/** Who outside a confidential project may read its models. */

import { useState } from "preact/hooks";
import { isAddress } from "viem";
import type { Address, Hex } from "viem";

import type { ProjectDetail } from "../api/schema";
import { parseCid } from "../chain/cid";
import { Action } from "../wallet/action";
import { transact } from "../wallet/transact";

interface Props {
  readonly project: ProjectDetail;
  readonly done?: (() => void) | undefined;
}

export function ReaderActions({ project, done }: Props) {
  const [reader, setReader] = useState("");
  const [manifest, setManifest] = useState("");
  const [round, setRound] = useState("0");
  const isGood = isAddress(reader) && isCid(manifest) && /^[0-9]{1,5}$/.test(round);
  return (
    <details>
      <summary>Readers of a confidential project</summary>
      <ul>
        {project.readers
          .filter((each) => !each.revoked)
          .map((each) => (
            <li key={each.reader}>
              <code>{each.reader}</code>, from round {each.from_round}{" "}
              <Action
                done={done}
                deed={async (connected, market) => {
                  const call = { name: "revokeAccess", reader: each.reader as Address } as const;
                  return (await transact(connected, market, { ...call, project_id: project.id as Hex })) !== null;
                }}
              >
                Revoke
              </Action>
            </li>
          ))}
      </ul>
      <label for="reader">Reader</label>
      <input id="reader" value={reader} spellcheck={false} onInput={(event) => setReader(event.currentTarget.value)} />
      <label for="reader-round">From round</label>
      <input
        id="reader-round"
        inputMode="numeric"
        value={round}
        onInput={(event) => setRound(event.currentTarget.value)}
      />
      <label for="reader-manifest">Manifest</label>
      <input
        id="reader-manifest"
        value={manifest}
        spellcheck={false}
        aria-describedby="reader-manifest-help"
        onInput={(event) => setManifest(event.currentTarget.value)}
      />
      <p id="reader-manifest-help" class="hint">
        The CID of the keys that are wrapped for the reader. Only the owner's machine can wrap them:{" "}
        <code>steelyard owner grant</code> does all of this at once.
      </p>
      <Action
        disabled={!isGood}
        done={done}
        deed={async (connected, market) => {
          const call = { name: "grantAccess", reader: reader as Address, manifest_cid: manifest } as const;
          const rest = { project_id: project.id as Hex, from_round: Number(round) };
          return (await transact(connected, market, { ...call, ...rest })) !== null;
        }}
      >
        Grant
      </Action>
    </details>
  );
}

function isCid(text: string): boolean {
  try {
    parseCid(text);
    return true;
  } catch {
    return false;
  }
}
