/** The marketplace that this page is about, as its backend tells it. */

import { useMemo } from "preact/hooks";
import type { Address } from "viem";

import { useDeployment } from "../api/deployment";
import type { DeploymentDetail } from "../api/schema";
import type { Chain } from "./chain";

export interface Market extends Chain {
  readonly marketplace: Address;
  readonly verifier: Address;
  readonly rules: Readonly<Record<string, Address>>;
  /** What an owner is offered first; null where the operator names none. */
  readonly token: Address | null;
  readonly hasStorage: boolean;
}

/** Null until the backend has answered. */
export function useMarket(): Market | null {
  const deployment = useDeployment();
  return useMemo(() => (deployment === null ? null : readDeployment(deployment)), [deployment]);
}

function readDeployment(deployment: DeploymentDetail): Market {
  const offered = deployment.tokens.find((token) => token.offered)?.address ?? deployment.token;
  return {
    chainId: deployment.chain_id,
    marketplace: deployment.marketplace as Address,
    verifier: deployment.verifier as Address,
    rules: deployment.rules as Record<string, Address>,
    token: offered as Address | null,
    hasStorage: deployment.has_storage,
    rpcUrl: deployment.public_rpc_url,
  };
}
