/** Sign-In with Ethereum (EIP-4361). Sessions live in memory alone: whoever reloads the page signs in again. */

import { stringToHex } from "viem";
import type { Address } from "viem";

import { post } from "../api/client";
import type { Provider } from "../chain/provider";
import { WalletError } from "./errors";

/** What the backend wants in the message. */
export interface Nonce {
  readonly nonce: string;
  readonly domain: string;
  readonly uri: string;
  readonly chain_id: number;
}

interface Session {
  readonly token: string;
  readonly account: Address;
  /** Unix seconds. */
  readonly expires_at: number;
}

const sessions = new Map<Address, Session>();

/** Seconds before its end at which a session is not begun anything with. */
const MARGIN = 60;

/** The message to the byte. `origin` is the page's own: a wallet shows it, and it must be where the page is from. */
export function buildMessage(account: Address, nonce: Nonce, issuedAt: Date): string {
  return (
    `${nonce.domain} wants you to sign in with your Ethereum account:\n${account}\n\n` +
    "Sign in to Steelyard. This moves no money.\n\n" +
    `URI: ${nonce.uri}\nVersion: 1\nChain ID: ${nonce.chain_id}\nNonce: ${nonce.nonce}\n` +
    `Issued At: ${issuedAt.toISOString()}`
  );
}

/**
 * The token of a session of the account, for which the wallet signs a message where there is none.
 *
 * @throws WalletError where the backend says that it is another server than the page is from
 */
export async function signIn(provider: Provider, account: Address): Promise<string> {
  const now = Date.now() / 1_000;
  const known = sessions.get(account);
  if (known !== undefined && known.expires_at - MARGIN > now) return known.token;
  const nonce = await post<Nonce>("/v1/auth/nonce", {});
  if (nonce.uri !== location.origin) {
    throw new WalletError(`The server calls itself ${nonce.uri}, but this page is from ${location.origin}.`);
  }
  const message = buildMessage(account, nonce, new Date());
  const signature = await provider.request({ method: "personal_sign", params: [stringToHex(message), account] });
  const session = await post<Session>("/v1/auth/login", { message, signature });
  sessions.set(account, session);
  return session.token;
}

export function forgetSessions(): void {
  sessions.clear();
}
