import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { computeCid } from "../../src/chain/unixfs";
import { computeSpecCid, encodeSpec } from "../../src/owner/canonical";
import { readDraft } from "../../src/owner/draft";
import type { Draft } from "../../src/owner/draft";
import { initialValues } from "../../src/owner/fields";
import { storeDraft } from "../../src/owner/store";

const TOKEN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const DRAWN = computeCid(Uint8Array.of(1));
const MODEL = Uint8Array.of(2, 3);
const OTHER = computeCid(Uint8Array.of(9));

/** What the server says instead of the truth, by path. */
let lies: Record<string, object> = {};
const uploads: Record<string, string> = {};

beforeEach(() => {
  lies = {};
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    expect((init.headers as Record<string, string>)["Authorization"]).toBe("Bearer session");
    return new Response(JSON.stringify(lies[path] ?? (await answer(path, init.body as Blob | string))));
  });
});
afterEach(() => vi.unstubAllGlobals());

async function answer(path: string, body: Blob | string): Promise<object> {
  if (typeof body === "string") {
    const { spec } = JSON.parse(body) as Draft;
    return { spec_cid: computeSpecCid(encodeSpec(spec, DRAWN)), initial_model: DRAWN };
  }
  const bytes = new Uint8Array(await body.arrayBuffer());
  uploads[path] = new TextDecoder().decode(bytes);
  return { cid: computeCid(bytes) };
}

function makeDraft(): Draft {
  const { draft } = readDraft({ ...initialValues(), title: "T", task: "Learn.", token: TOKEN }, 18);
  if (draft === null) throw new Error("the defaults are no draft");
  return draft;
}

describe("storing a draft", () => {
  it("takes a model that the server draws, and a specification that names it", async () => {
    const draft = makeDraft();
    expect(await storeDraft(draft, null, "session")).toBe(computeSpecCid(encodeSpec(draft.spec, DRAWN)));
  });

  it("uploads a file, and the specification that names it, in its canonical text", async () => {
    const draft = makeDraft();
    const text = encodeSpec(draft.spec, computeCid(MODEL));
    expect(await storeDraft(draft, new Blob([MODEL]), "session")).toBe(computeSpecCid(text));
    expect(uploads["/v1/specs"]).toBe(text);
  });

  it("refuses another specification, or another model, than it sent", async () => {
    lies = { "/v1/drafts": { spec_cid: OTHER, initial_model: DRAWN } };
    await expect(storeDraft(makeDraft(), null, "session")).rejects.toThrow("another specification");
    lies = { "/v1/specs": { cid: OTHER } };
    await expect(storeDraft(makeDraft(), new Blob([MODEL]), "session")).rejects.toThrow("another specification");
    lies = { "/v1/models": { cid: OTHER } };
    await expect(storeDraft(makeDraft(), new Blob([MODEL]), "session")).rejects.toThrow("another model");
  });
});
