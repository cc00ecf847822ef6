import { afterEach, describe, expect, it, vi } from "vitest";

import { ApiError, buildPath, get, post } from "../../src/api/client";
import { fetchPages } from "../../src/api/paged";

function answer(body: unknown, status = 200): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  vi.stubGlobal("fetch", vi.fn().mockResolvedValue(new Response(text, { status, statusText: "Status" })));
}

async function catchError(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

afterEach(() => vi.unstubAllGlobals());

describe("buildPath", () => {
  it("leaves out what has no value and escapes the rest", () => {
    expect(buildPath("/v1/projects")).toBe("/v1/projects");
    expect(buildPath("/v1/projects", { q: "a b&c", state: "", token: null, limit: 0, cursor: undefined })).toBe(
      "/v1/projects?q=a+b%26c&limit=0",
    );
  });
});

describe("get", () => {
  it("gives the answer's JSON", async () => {
    answer({ items: [], next: null });
    expect(await get("/v1/projects")).toEqual({ items: [], next: null });
  });

  it("tells a problem in the backend's own words", async () => {
    answer({ type: "urn:steelyard:error:NotFound", title: "Not Found", status: 404, detail: "project x is not known" }, 404);
    const error = await catchError(get("/v1/projects/x"));
    expect(error.message).toBe("project x is not known");
    expect(error.status).toBe(404);
    expect(error.isOffline).toBe(false);
  });

  it("makes do with the status where the answer is no problem", async () => {
    answer("<html>", 502);
    const error = await catchError(get("/v1/projects"));
    expect(error.status).toBe(502);
    expect(error.message).toBe("Status");
  });

  it("says that nobody answered, which is not a status", async () => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("failed")));
    const error = await catchError(get("/v1/projects"));
    expect(error.isOffline).toBe(true);
    expect(error.status).toBe(0);
  });

  it("lets what was called off be called off", async () => {
    const abort = new AbortController();
    abort.abort();
    const reason = new DOMException("aborted", "AbortError");
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(reason));
    await expect(get("/v1/projects", {}, abort.signal)).rejects.toBe(reason);
  });
});

describe("post", () => {
  it("sends JSON and the token", async () => {
    answer({ ok: true });
    await post("/v1/drafts", { a: 1 }, "secret");
    const [path, init] = vi.mocked(fetch).mock.calls[0] ?? [];
    expect(path).toBe("/v1/drafts");
    expect(init).toMatchObject({ method: "POST", body: '{"a":1}' });
    expect(new Headers(init?.headers).get("Authorization")).toBe("Bearer secret");
  });
});

describe("fetchPages", () => {
  it("follows cursors as far as it is asked to, and ends where the list ends", async () => {
    const pages: Record<string, unknown> = {
      "/v1/x?limit=1": { items: [1], next: "b" },
      "/v1/x?limit=1&cursor=b": { items: [2], next: "c" },
      "/v1/x?limit=1&cursor=c": { items: [3], next: null },
    };
    vi.stubGlobal("fetch", (url: string) => Promise.resolve(new Response(JSON.stringify(pages[url]))));
    const read = async (count: number) => (await fetchPages<number>("/v1/x?limit=1", count)).flatMap((page) => page.items);
    expect(await read(1)).toEqual([1]);
    expect(await read(2)).toEqual([1, 2]);
    expect(await read(9)).toEqual([1, 2, 3]);
  });
});
