/** A token as its contract describes itself to the wallet's node. Anybody can call a token anything: the address decides. */

import { domainSeparator, formatUnits, isAddressEqual } from "viem";
import type { Address, TypedDataDomain } from "viem";

import { TOKEN_ABI } from "./abi";
import type { Node } from "./provider";

export interface Token {
  readonly address: Address;
  readonly symbol: string | null;
  readonly decimals: number | null;
}

const SYMBOL = /^[!-~]{1,16}$/;

export async function readToken(node: Node, address: Address): Promise<Token> {
  const call = { address, abi: TOKEN_ABI } as const;
  const [symbol, decimals] = await Promise.allSettled([
    node.readContract({ ...call, functionName: "symbol" }),
    node.readContract({ ...call, functionName: "decimals" }),
  ]);
  return {
    address,
    symbol: symbol.status === "fulfilled" && SYMBOL.test(symbol.value) ? symbol.value : null,
    decimals: decimals.status === "fulfilled" ? decimals.value : null,
  };
}

/** What an account has, and what of it the marketplace may take. */
export async function readHolding(node: Node, token: Address, account: Address, spender: Address) {
  const call = { address: token, abi: TOKEN_ABI } as const;
  const [balance, allowance] = await Promise.all([
    node.readContract({ ...call, functionName: "balanceOf", args: [account] }),
    node.readContract({ ...call, functionName: "allowance", args: [account, spender] }),
  ]);
  return { balance, allowance };
}

/** What a token's permits are signed for, and the account's next number. */
export interface PermitDomain {
  readonly domain: TypedDataDomain;
  readonly nonce: bigint;
}

/** Null where the token takes no permits (ERC-2612), or does not say what for (EIP-5267). */
export async function readPermitDomain(node: Node, token: Address, account: Address): Promise<PermitDomain | null> {
  const call = { address: token, abi: TOKEN_ABI } as const;
  try {
    const [[, name, version, chainId, verifyingContract], separator, nonce, actual] = await Promise.all([
      node.readContract({ ...call, functionName: "eip712Domain" }),
      node.readContract({ ...call, functionName: "DOMAIN_SEPARATOR" }),
      node.readContract({ ...call, functionName: "nonces", args: [account] }),
      node.getChainId(),
    ]);
    const domain = { name, version, chainId: Number(chainId), verifyingContract } satisfies TypedDataDomain;
    const isItself = isAddressEqual(verifyingContract, token) && Number(chainId) === actual;
    return isItself && domainSeparator({ domain }) === separator ? { domain, nonce } : null;
  } catch {
    return null;
  }
}

/** An amount of a token for people; in its smallest unit where the token does not say how many make a whole one. */
export function formatAmount(amount: bigint, token: Token): string {
  const unit = token.symbol ?? `of ${token.address}`;
  if (token.decimals === null) return `${group(amount.toString())} smallest units ${unit}`;
  const [whole = "0", part] = formatUnits(amount, token.decimals).split(".");
  return `${group(whole)}${part === undefined ? "" : `.${part}`} ${unit}`;
}

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
