/** What does not change while one looks: the deployment, and tokens. Asked for once, and shared. */

import { useEffect, useState } from "preact/hooks";

import type { Unit } from "../format/amount";
import { ApiError, get } from "./client";
import type { DeploymentDetail, TokenDetail } from "./schema";

const known = new Map<string, Promise<unknown>>();

/** An answer that is kept. Failures are forgotten, and asked for again next time. */
export function getOnce<T>(path: string): Promise<T> {
  let answer = known.get(path) as Promise<T> | undefined;
  if (answer === undefined) {
    answer = get<T>(path);
    known.set(path, answer);
    answer.catch(() => known.delete(path));
  }
  return answer;
}

const RETRY_MS = 5_000;

interface Once<T> {
  data: T | null;
  /** Whether it could not be had. Where nobody answers it is asked for again. */
  failed: boolean;
}

const NOTHING = { data: null, failed: false };

export function useOnceState<T>(path: string | null): Once<T> {
  const [state, setState] = useState<Once<T> & { path: string | null }>({ path: null, ...NOTHING });
  useEffect(() => {
    if (path === null) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let current = true;
    function ask(of: string) {
      getOnce<T>(of)
        .then((data) => current && setState({ path: of, data, failed: false }))
        .catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
          if (!current) return;
          setState({ path: of, data: null, failed: true });
          if (error.isOffline || error.status >= 500) timer = setTimeout(() => ask(of), RETRY_MS);
        });
    }
    ask(path);
    return () => {
      current = false;
      if (timer !== null) clearTimeout(timer);
    };
  }, [path]);
  return state.path === path ? state : NOTHING;
}

/** Null until it is there, and where it cannot be had. */
export function useOnce<T>(path: string | null): T | null {
  return useOnceState<T>(path).data;
}

export function useDeployment(): DeploymentDetail | null {
  return useOnce<DeploymentDetail>("/v1/deployment");
}

const UNKNOWN: Unit = { symbol: null, decimals: null };

/** A token's symbol and decimals; null while they are asked for. */
export function useToken(address: string | null): Unit | null {
  const { data, failed } = useOnceState<TokenDetail>(address === null ? null : `/v1/tokens/${address}`);
  return data ?? (failed || address === null ? UNKNOWN : null);
}
