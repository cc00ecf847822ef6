import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeErrorResult, encodeFunctionResult, keccak256, toFunctionSelector } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Hex, ReplacementReason } from "viem";

import { STEELYARD_ABI, TOKEN_ABI } from "../../src/chain/abi";
import { encodeCall } from "../../src/wallet/calls";
import type { Call } from "../../src/wallet/calls";
import type { Connected } from "../../src/wallet/connection";
import { WalletError } from "../../src/wallet/errors";
import type { Market } from "../../src/wallet/market";
import { permitAmount } from "../../src/wallet/pay";
import { dismiss, getPhase, onPhase } from "../../src/wallet/phase";
import { transact } from "../../src/wallet/transact";
import { FakeProvider, refuse } from "./fake-provider";

/** The first account of everybody's devnet. */
const OWNER = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const TOKEN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
const MARKETPLACE = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const PROJECT = `0x${"5e".repeat(32)}` as const;
const HASH = keccak256("0x01");
const OTHER_HASH = keccak256("0x02");
const BLOCK = "0x10";

const MARKET: Market = {
  chainId: 31_337,
  rpcUrl: null,
  marketplace: MARKETPLACE,
  verifier: TOKEN,
  rules: {},
  token: TOKEN,
  hasStorage: true,
};
const POKE: Call = { name: "poke", project_id: PROJECT };
const NOTHING = encodeErrorResult({ abi: STEELYARD_ABI, errorName: "NothingToDo", args: [PROJECT] });

const transaction = (hash: Hex, to: string, nonce = "0x0") => ({
  ...{ hash, to, nonce, from: OWNER.address, input: "0x", value: "0x0", gas: "0x30d40", chainId: "0x7a69" },
  ...{ blockNumber: BLOCK, blockHash: HASH, transactionIndex: "0x0", type: "0x2", v: "0x0", r: "0x1", s: "0x1" },
});
const receipt = (hash: Hex, status: "0x0" | "0x1", gasUsed = "0x5208") => ({
  ...{ transactionHash: hash, status, gasUsed, blockNumber: BLOCK, blockHash: HASH, logs: [], type: "0x2" },
  ...{ from: OWNER.address, to: MARKETPLACE, transactionIndex: "0x0", cumulativeGasUsed: gasUsed },
});

/** What a token answers. */
function makeToken(balance: bigint, allowance: bigint): Record<string, Hex> {
  const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;
  return {
    [toFunctionSelector("symbol()")]: encodeFunctionResult({ abi: TOKEN_ABI, functionName: "symbol", result: "TOK" }),
    [toFunctionSelector("decimals()")]: word(2n),
    [toFunctionSelector("balanceOf(address)")]: word(balance),
    [toFunctionSelector("allowance(address,address)")]: word(allowance),
  };
}

function makeProvider(answers: Record<string, (params: readonly unknown[]) => unknown> = {}, token = makeToken(0n, 0n)) {
  return new FakeProvider({
    eth_chainId: () => "0x7a69",
    eth_blockNumber: () => BLOCK,
    eth_sendTransaction: () => HASH,
    eth_getTransactionByHash: () => transaction(HASH, MARKETPLACE),
    eth_getTransactionReceipt: () => receipt(HASH, "0x1"),
    eth_call: ([call]) => {
      const answer = token[(call as { data: Hex }).data.slice(0, 10)];
      if (answer === undefined) throw Object.assign(new Error("execution reverted"), { code: 3, data: NOTHING });
      return answer;
    },
    ...answers,
  });
}

function connect(provider: FakeProvider): Connected {
  return { wallet: { id: "t", name: "T", provider: provider.provider }, account: OWNER.address, chainId: 31_337 };
}

/** What the backend makes of a call, with what it changes in it. */
let lie: Record<string, string> = {};
let refusal: object | null = null;
let answerQuestions: (() => void) | null = null;
const posted: Call[] = [];

beforeEach(() => {
  [lie, refusal, posted.length] = [{}, null, 0];
  vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
    if (path === "/v1/health") return new Response(JSON.stringify({ indexed_block: 16 }));
    if (refusal !== null) return new Response(JSON.stringify(refusal), { status: 422 });
    const { call } = JSON.parse(init?.body as string) as { call: Call };
    posted.push(call);
    const fields = { type: "0x2", chainId: "0x7a69", from: OWNER.address, nonce: "0x0", gas: "0x30d40", value: "0x0" };
    const fees = { maxFeePerGas: "0x2", maxPriorityFeePerGas: "0x1" };
    const encoded = encodeCall(call, { market: MARKET, sender: OWNER.address });
    return new Response(JSON.stringify({ ...fields, ...fees, ...encoded, ...lie }));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  answerQuestions?.();
  dismiss();
});

/** Answers each question of the page, and remembers what it was. */
function answer(yes: boolean): string[] {
  const titles: string[] = [];
  answerQuestions = onPhase(() => {
    const phase = getPhase();
    if (phase.name !== "asking") return;
    titles.push(phase.prompt.title);
    queueMicrotask(() => phase.answer(yes));
  });
  return titles;
}

function readFailure(): string {
  const phase = getPhase();
  return phase.name === "failed" ? phase.reason : phase.name;
}

describe("a transaction", () => {
  it("is asked about, signed, mined and done", async () => {
    const titles = answer(true);
    const provider = makeProvider();
    expect(await transact(connect(provider), MARKET, POKE)).toMatchObject({ transactionHash: HASH });
    expect(titles).toEqual(["Record what a deadline has decided"]);
    expect(getPhase()).toMatchObject({ name: "done", hash: HASH, blockNumber: 16n });
  });

  it("reaches no wallet where the user says no", async () => {
    answer(false);
    const provider = makeProvider();
    expect(await transact(connect(provider), MARKET, POKE)).toBeNull();
    expect(provider.asked).not.toContain("eth_sendTransaction");
    expect(getPhase().name).toBe("idle");
  });

  it("reaches neither user nor wallet where the backend made another", async () => {
    const titles = answer(true);
    lie = { to: OWNER.address };
    const provider = makeProvider();
    await expect(transact(connect(provider), MARKET, POKE)).rejects.toThrow("it goes to");
    expect([titles, provider.asked.includes("eth_sendTransaction")]).toEqual([[], false]);
  });

  it("fails in our words where the wallet's user says no", async () => {
    answer(true);
    const provider = makeProvider({ eth_sendTransaction: refuse(4001) });
    await expect(transact(connect(provider), MARKET, POKE)).rejects.toMatchObject({ code: 4001 });
    expect(readFailure()).toBe("You rejected it in your wallet. Nothing was sent.");
  });

  it("is refused by the contract in our words, before it is sent", async () => {
    answer(true);
    refusal = { type: "urn:steelyard:error:NothingToDo", title: "Unprocessable", status: 422, detail: "NothingToDo()" };
    await expect(transact(connect(makeProvider()), MARKET, POKE)).rejects.toBeDefined();
    expect(readFailure()).toBe("Nothing waits to be recorded: no deadline has passed.");
  });

  it.each([
    ["the contract's reason", "0x5208", "Nothing waits to be recorded: no deadline has passed."],
    ["gas", "0x30d40", "It ran out of gas, and changed nothing."],
  ])("that was reverted says so, by %s", async (_, gasUsed, reason) => {
    answer(true);
    const provider = makeProvider({ eth_getTransactionReceipt: () => receipt(HASH, "0x0", gasUsed) });
    await expect(transact(connect(provider), MARKET, POKE)).rejects.toBeDefined();
    expect(readFailure()).toBe(reason);
  });

  const replacements: readonly (readonly [ReplacementReason, string, string])[] = [
    ["cancelled", OWNER.address, "You cancelled the transaction in your wallet."],
    ["replaced", TOKEN, "Another transaction took its place in your wallet."],
  ];

  it.each(replacements)("that was %s in the wallet says so", async (_, to, reason) => {
    answer(true);
    const provider = makeProvider({
      eth_getTransactionByHash: () => ({ ...transaction(HASH, MARKETPLACE), blockNumber: null, blockHash: null }),
      eth_getTransactionReceipt: ([hash]) => (hash === HASH ? null : receipt(OTHER_HASH, "0x1")),
      eth_getBlockByNumber: () => ({ number: BLOCK, timestamp: "0x1", transactions: [transaction(OTHER_HASH, to)] }),
    });
    await expect(transact(connect(provider), MARKET, POKE)).rejects.toThrow(reason);
    expect(readFailure()).toBe(reason);
  });
});

it("that nobody mines is given up on after three minutes, and not called lost", async () => {
  vi.useFakeTimers();
  answer(true);
  const provider = makeProvider({
    eth_getTransactionByHash: () => ({ ...transaction(HASH, MARKETPLACE), blockNumber: null, blockHash: null }),
    eth_getTransactionReceipt: () => null,
    eth_getBlockByNumber: () => ({ number: BLOCK, timestamp: "0x1", transactions: [] }),
  });
  const failure = transact(connect(provider), MARKET, POKE).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(181_000);
  vi.useRealTimers();
  expect(await failure).toBeInstanceOf(WalletError);
  expect(readFailure()).toBe(`It is not mined after three minutes. It may still be: look for ${HASH}.`);
});

describe("a payment", () => {
  it("needs nothing where the marketplace may take it already", async () => {
    const titles = answer(true);
    const provider = makeProvider({}, makeToken(500n, 500n));
    expect(await permitAmount(connect(provider), MARKET, TOKEN, 500n)).toEqual({ permit: null });
    expect(titles).toEqual([]);
  });

  it("is approved by a transaction where the token has no permits", async () => {
    const titles = answer(true);
    const provider = makeProvider({}, makeToken(500n, 1n));
    expect(await permitAmount(connect(provider), MARKET, TOKEN, 500n)).toEqual({ permit: null });
    expect(titles).toEqual(["Let the marketplace take 5 TOK"]);
    expect(posted).toEqual([{ name: "approve", token: TOKEN, amount: "500" }]);
  });

  it("is refused at once where the account has less", async () => {
    const provider = makeProvider({}, makeToken(499n, 0n));
    await expect(permitAmount(connect(provider), MARKET, TOKEN, 500n)).rejects.toThrow("has 4.99 TOK, and this takes 5");
  });

  it("is none where the user says no", async () => {
    answer(false);
    const provider = makeProvider({}, makeToken(500n, 0n));
    expect(await permitAmount(connect(provider), MARKET, TOKEN, 500n)).toBeNull();
    expect(provider.asked).not.toContain("eth_signTypedData_v4");
  });
});
