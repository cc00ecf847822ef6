/** Lists that come in pages: what has been fetched so far, and how to get more. */

import { useCallback, useEffect, useState } from "preact/hooks";

import { ApiError, buildPath, get, type Query } from "./client";
import type { Page } from "./schema";
import type { Answer } from "./use";

export interface Paged<T> extends Answer<T[]> {
  /** Null on the last page. */
  more: (() => void) | null;
}

interface State<T> {
  url: string | null;
  pages: Page<T>[];
  error: ApiError | null;
}

/** `reload` fetches again as many pages as are shown. */
export function usePaged<T>(path: string | null, query: Query = {}): Paged<T> {
  const url = path === null ? null : buildPath(path, query);
  const [wanted, setWanted] = useState({ url, count: 1, turn: 0 });
  const [state, setState] = useState<State<T>>({ url: null, pages: [], error: null });
  const count = wanted.url === url ? wanted.count : 1;
  const turn = wanted.url === url ? wanted.turn : 0;

  useEffect(() => {
    if (url === null) return;
    const abort = new AbortController();
    fetchPages<T>(url, count, abort.signal)
      .then((pages) => setState({ url, pages, error: null }))
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ url, pages: before.url === url ? before.pages : [], error }));
      });
    return () => abort.abort();
  }, [url, count, turn]);

  const reload = useCallback(() => setWanted({ url, count, turn: turn + 1 }), [url, count, turn]);
  const more = useCallback(() => setWanted({ url, count: count + 1, turn }), [url, count, turn]);
  const current = state.url === url;
  const pages = current ? state.pages : [];
  const hasMore = (pages.at(-1)?.next ?? null) !== null;
  return {
    data: current && pages.length > 0 ? pages.flatMap((page) => page.items) : null,
    error: current ? state.error : null,
    loading: url !== null && (!current || (pages.length < count && state.error === null && hasMore)),
    reload,
    more: hasMore ? more : null,
  };
}

/** The first pages of a list, `count` at most. */
export async function fetchPages<T>(url: string, count: number, signal?: AbortSignal): Promise<Page<T>[]> {
  const pages: Page<T>[] = [];
  let cursor: string | null = null;
  for (let index = 0; index < count; index++) {
    const joint = url.includes("?") ? "&" : "?";
    const page: Page<T> = await get<Page<T>>(cursor === null ? url : `${url}${joint}cursor=${cursor}`, {}, signal);
    pages.push(page);
    cursor = page.next;
    if (cursor === null) break;
  }
  return pages;
}
