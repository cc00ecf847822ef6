/** ERC-2612: one signature in place of an `approve`, for exactly what one call takes. */

import { isAddressEqual, parseSignature, recoverTypedDataAddress } from "viem";
import type { Address } from "viem";

import type { Node, Provider } from "../chain/provider";
import type { PermitDomain } from "../chain/token";
import type { PermitFields } from "./calls";

/** How long a permit is good, in seconds. */
const LIFETIME = 3_600;

const TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

/** The wallet wants the domain's type spelled out (`eth_signTypedData_v4`). */
const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
] as const;

export interface Allowance {
  readonly owner: Address;
  readonly spender: Address;
  readonly amount: bigint;
}

/**
 * Has a permit signed, for what `readPermitDomain` found.
 *
 * @returns null where the account has no key that signs permits, as a contract wallet has not
 */
export async function signPermit(
  provider: Provider,
  node: Node,
  found: PermitDomain,
  wanted: Allowance,
): Promise<PermitFields | null> {
  const { owner, spender, amount } = wanted;
  const { timestamp } = await node.getBlock();
  const deadline = timestamp + BigInt(LIFETIME);
  const message = { owner, spender, value: amount, nonce: found.nonce, deadline };
  const typed = { domain: found.domain, types: TYPES, primaryType: "Permit", message } as const;
  const asked = JSON.stringify({ ...typed, types: { EIP712Domain: DOMAIN_TYPE, ...TYPES } }, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  const signature = await provider.request({ method: "eth_signTypedData_v4", params: [owner, asked] });
  try {
    if (!isAddressEqual(await recoverTypedDataAddress({ ...typed, signature }), owner)) return null;
    const { r, s, yParity } = parseSignature(signature);
    return { deadline: Number(deadline), v: 27 + yParity, r, s };
  } catch {
    return null;
  }
}
