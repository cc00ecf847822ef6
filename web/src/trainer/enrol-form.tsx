/** Stake and enrol. */

import { useState } from "preact/hooks";
import { isHex } from "viem";
import type { Hex } from "viem";

import type { ProjectDetail } from "../api/schema";
import { Action } from "../wallet/action";
import { enrol } from "./enrol";

interface Props {
  readonly project: ProjectDetail;
  readonly done?: (() => void) | undefined;
}

export function EnrolForm({ project, done }: Props) {
  const [key, setKey] = useState("");
  const text = key.trim();
  const isGood = text === "" || isKey(text);
  return (
    <div class="field">
      <h3>Enrol as a trainer</h3>
      <label for="trainer-key">Your public key</label>
      <input
        id="trainer-key"
        value={key}
        spellcheck={false}
        autocomplete="off"
        aria-describedby="trainer-key-help"
        aria-invalid={!isGood}
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      <p id="trainer-key-help" class="hint">
        The X25519 key that <code>steelyard keys show</code> prints, 0x and 64 digits. Empty if it is registered already.
        Any other key would make what is sealed to you unreadable.
      </p>
      {!isGood && (
        <p class="fault" role="alert">
          That is no public key.
        </p>
      )}
      <Action
        disabled={!isGood}
        done={done}
        deed={(connected, market) => enrol(connected, market, project, text === "" ? null : (text as Hex))}
      >
        Stake and enrol
      </Action>
      <p class="hint">
        Registers the key, adds what is missing of the stake, and enrols; each step only where it is needed. Then run{" "}
        <code>steelyard trainer run</code> on your machine.
      </p>
    </div>
  );
}

function isKey(text: string): boolean {
  return isHex(text) && text.length === 66 && text === text.toLowerCase();
}
