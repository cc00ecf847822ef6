/** Puts a draft into storage through the backend, and makes sure that what lies there is the draft. */

import { ApiError, post } from "../api/client";
import type { Problem } from "../api/client";
import { computeCid } from "../chain/unixfs";
import { WalletError } from "../wallet/errors";
import { computeSpecCid, encodeSpec } from "./canonical";
import type { Draft } from "./draft";

interface StoredDraft {
  readonly spec_cid: string;
  readonly initial_model: string;
}

interface StoredBlob {
  readonly cid: string;
}

/**
 * Stores specification and initial model.
 *
 * @param model a safetensors file to start from; null for one that the backend draws from the draft's seed
 * @param token of a session
 * @returns the specification's identifier, as this page computes it
 * @throws WalletError where the backend stored another specification, or another model than the file
 */
export async function storeDraft(draft: Draft, model: Blob | null, token: string): Promise<string> {
  const stored = model === null ? await drawModel(draft, token) : await uploadModel(draft, model, token);
  const expected = computeSpecCid(encodeSpec(draft.spec, stored.initial_model));
  if (stored.spec_cid !== expected) {
    throw new WalletError(`The server stored another specification (${stored.spec_cid}) than yours (${expected}).`);
  }
  return expected;
}

function drawModel(draft: Draft, token: string): Promise<StoredDraft> {
  return post<StoredDraft>("/v1/drafts", draft, token);
}

async function uploadModel(draft: Draft, model: Blob, token: string): Promise<StoredDraft> {
  const { cid: initial_model } = await upload("/v1/models", model, token);
  const expected = computeCid(new Uint8Array(await model.arrayBuffer()));
  if (initial_model !== expected) {
    throw new WalletError(`The server stored another model (${initial_model}) than yours (${expected}).`);
  }
  const text = encodeSpec(draft.spec, initial_model);
  const { cid: spec_cid } = await upload("/v1/specs", new Blob([text]), token);
  return { spec_cid, initial_model };
}

async function upload(path: string, body: Blob, token: string): Promise<StoredBlob> {
  const headers = { "Content-Type": "application/octet-stream", Authorization: `Bearer ${token}` };
  const answer = await fetch(path, { method: "POST", headers, body }).catch(() => {
    throw new ApiError(null);
  });
  if (!answer.ok) throw new ApiError((await answer.json()) as Problem);
  return (await answer.json()) as StoredBlob;
}
