/** What can go wrong between page, wallet and contract, in words. */

import { BaseError, decodeErrorResult, isHex } from "viem";
import type { Hex } from "viem";

import { ApiError } from "../api/client";
import { COMPONENT_ERRORS, STEELYARD_ABI, TOKEN_ABI } from "../chain/abi";
import { describeRefusal } from "./refusals";

/** A failure that is told as it is. */
export class WalletError extends Error {}

/** The user said no (EIP-1193). */
export const REJECTED = 4001;

const CODES: Readonly<Record<number, string>> = {
  [REJECTED]: "You rejected it in your wallet. Nothing was sent.",
  4100: "Your wallet does not let this page use that account. Connect again.",
  4200: "Your wallet cannot do this.",
  4900: "Your wallet has no connection.",
  4901: "Your wallet has no connection to this chain.",
  [-32002]: "Your wallet is still waiting for an answer to an earlier question: open it.",
};

const ERRORS = [...STEELYARD_ABI, ...TOKEN_ABI, ...COMPONENT_ERRORS].filter((entry) => entry.type === "error");

/** A failure as a sentence or two. */
export function describeError(error: unknown): string {
  if (error instanceof WalletError || error instanceof ApiError) return error.message;
  const data = findRevertData(error);
  if (data !== null) return describeRevert(data);
  const known = CODES[readCode(error) ?? 0];
  if (known !== undefined) return known;
  if (error instanceof BaseError) return error.shortMessage;
  return error instanceof Error ? error.message : readMessage(error);
}

/** Why a contract refused a call, from what its revert carries. */
export function describeRevert(data: Hex): string {
  if (data === "0x") return "The contract refused, and gave no reason.";
  try {
    const { errorName, args } = decodeErrorResult({ abi: ERRORS, data });
    return describeRefusal(errorName, args ?? []);
  } catch {
    return `The contract refused, for a reason that this page does not know (${data.slice(0, 10)}).`;
  }
}

/** The code of the innermost error that has one: libraries and wallets wrap what they pass on. */
export function readCode(error: unknown): number | null {
  for (const each of unwrap(error)) {
    const { code } = each;
    if (typeof code === "number" && code in CODES) return code;
    if (code === 4902) return code;
  }
  return null;
}

export function isRejection(error: unknown): boolean {
  return readCode(error) === REJECTED;
}

function findRevertData(error: unknown): Hex | null {
  for (const { data } of unwrap(error)) {
    if (isHex(data) && data.length >= 10) return data;
    if (typeof data === "object" && data !== null) {
      const inner: unknown = (data as { data?: unknown }).data;
      if (isHex(inner) && inner.length >= 10) return inner;
    }
  }
  return null;
}

interface Wrapped {
  readonly code?: unknown;
  readonly data?: unknown;
  readonly cause?: unknown;
}

/** An error and those inside, the outermost first. */
function* unwrap(error: unknown): Generator<Wrapped> {
  let current: unknown = error;
  for (let depth = 0; depth < 10 && typeof current === "object" && current !== null; depth++) {
    yield current as Wrapped;
    current = (current as Wrapped).cause;
  }
}

function readMessage(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === "string" ? message : "Something failed that gave no reason.";
}
