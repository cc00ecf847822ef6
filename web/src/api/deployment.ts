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

/** Null until it is there, and where it cannot be had. */
export function useOnce<T>(path: string | null): T | null {
  const [state, setState] = useState<{ path: string | null; data: T | null }>({ path: null, data: null });
  useEffect(() => {
    if (path === null) return;
    let current = true;
    getOnce<T>(path)
      .then((data) => current && setState({ path, data }))
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
      });
    return () => {
      current = false;
    };
  }, [path]);
  return state.path === path ? state.data : null;
}

export function useDeployment(): DeploymentDetail | null {
  return useOnce<DeploymentDetail>("/v1/deployment");
}

/** A token's symbol and decimals. Until they are known amounts are of its smallest unit. */
export function useToken(address: string | null): Unit {
  const token = useOnce<TokenDetail>(address === null ? null : `/v1/tokens/${address}`);
  return token ?? { symbol: null, decimals: null };
}
