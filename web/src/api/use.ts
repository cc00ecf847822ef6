/** What a component asks of the backend, as state: loading, failed, or there. */

import { useCallback, useEffect, useState } from "preact/hooks";

import { ApiError, buildPath, get, type Query } from "./client";

export interface Answer<T> {
  /** The last answer, kept while a newer one is asked for. */
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

/** Asks again whenever path or query change, and on `reload`. A null path asks nothing. */
export function useGet<T>(path: string | null, query: Query = {}): Answer<T> {
  const url = path === null ? null : buildPath(path, query);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<{ url: string | null; data: T | null; error: ApiError | null }>({
    url: null,
    data: null,
    error: null,
  });
  const [pending, setPending] = useState(false);

  useEffect(() => {
    if (url === null) return;
    const abort = new AbortController();
    setPending(true);
    get<T>(url, {}, abort.signal)
      .then((data) => {
        setState({ url, data, error: null });
        setPending(false);
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ url, data: before.url === url ? before.data : null, error }));
        setPending(false);
      });
    return () => abort.abort();
  }, [url, turn]);

  const reload = useCallback(() => setTurn((count) => count + 1), []);
  const current = state.url === url;
  return {
    data: current ? state.data : null,
    error: current ? state.error : null,
    loading: url !== null && (pending || !current),
    reload,
  };
}
