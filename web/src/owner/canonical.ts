/** A specification as canonical JSON (RFC 8785), and its content identifier: the page knows what it puts on chain. */

import { computeCid } from "../chain/unixfs";

/** Keys in order, no spaces. Numbers of a specification have no exponent in JavaScript's spelling, which is the RFC's. */
export function canonicalise(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalise).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalise(each)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The text of a specification that starts from a model in storage. */
export function encodeSpec(spec: Readonly<Record<string, unknown>>, initialModel: string): string {
  return canonicalise({ ...spec, version: 1, initial_model: initialModel });
}

export function computeSpecCid(text: string): string {
  return computeCid(new TextEncoder().encode(text));
}
