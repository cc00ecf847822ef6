import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { domainSeparator, encodeFunctionResult, hexToString, toFunctionSelector } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Hex, TypedDataDefinition } from "viem";

import { TOKEN_ABI } from "../../src/chain/abi";
import { openNode } from "../../src/chain/provider";
import { readPermitDomain } from "../../src/chain/token";
import { signPermit } from "../../src/wallet/permit";
import { buildMessage, forgetSessions, signIn } from "../../src/wallet/sign-in";
import { FakeProvider } from "./fake-provider";

/** The first account of everybody's devnet. */
const OWNER = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const TOKEN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
const SPENDER = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

describe("a permit", () => {
  const domain = { name: "Test", version: "1", chainId: 31_337, verifyingContract: TOKEN } as const;
  const zero = `0x${"00".repeat(32)}` as const;
  const results: Record<string, Hex> = {
    [toFunctionSelector("eip712Domain()")]: encodeFunctionResult({
      abi: TOKEN_ABI,
      functionName: "eip712Domain",
      result: ["0x0f", domain.name, domain.version, 31_337n, TOKEN, zero, []],
    }),
    [toFunctionSelector("DOMAIN_SEPARATOR()")]: domainSeparator({ domain }),
    [toFunctionSelector("nonces(address)")]: `0x${"07".padStart(64, "0")}`,
  };

  function makeProvider(sign: (typed: TypedDataDefinition) => unknown): FakeProvider {
    return new FakeProvider({
      eth_chainId: () => "0x7a69",
      eth_call: ([call]) => results[(call as { data: Hex }).data.slice(0, 10)] ?? "0x",
      eth_getBlockByNumber: () => ({ number: "0x1", timestamp: "0x64", transactions: [] }),
      eth_signTypedData_v4: ([, text]) => sign(JSON.parse(text as string) as TypedDataDefinition),
    });
  }

  async function sign(fake: FakeProvider) {
    const node = openNode(fake.provider);
    const found = await readPermitDomain(node, TOKEN, OWNER.address);
    const wanted = { owner: OWNER.address, spender: SPENDER, amount: 5n } as const;
    return found === null ? null : signPermit(fake.provider, node, found, wanted);
  }

  it("is for exactly this amount, token, spender and hour", async () => {
    let asked: TypedDataDefinition | null = null;
    const fake = makeProvider((typed) => {
      asked = typed;
      return OWNER.signTypedData(typed);
    });
    const permit = await sign(fake);
    expect(permit).toMatchObject({ deadline: 3_700 });
    expect(asked).toMatchObject({
      domain,
      primaryType: "Permit",
      message: { owner: OWNER.address, spender: SPENDER, value: "5", nonce: "7", deadline: "3700" },
    });
    expect(permit?.v === 27 || permit?.v === 28).toBe(true);
  });

  it("is none where the token is not what it says, or another key signs", async () => {
    const stranger = privateKeyToAccount(`0x${"42".repeat(32)}`);
    const other = makeProvider((typed) => stranger.signTypedData(typed));
    expect(await sign(other)).toBeNull();
    const odd = makeProvider(() => "0x1234");
    expect(await sign(odd)).toBeNull();
    const lying = makeProvider((typed) => OWNER.signTypedData(typed));
    const separator = toFunctionSelector("DOMAIN_SEPARATOR()");
    const honest = results[separator] ?? zero;
    results[separator] = zero;
    expect(await sign(lying)).toBeNull();
    expect(lying.asked).not.toContain("eth_signTypedData_v4");
    results[separator] = honest;
  });
});

describe("signing in", () => {
  const nonce = { nonce: "abcdefgh12345678", domain: location.host, uri: location.origin, chain_id: 31_337 };
  const posted: { path: string; body: Record<string, string> }[] = [];
  let origin = location.origin;

  beforeEach(() => {
    forgetSessions();
    posted.length = 0;
    origin = location.origin;
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      posted.push({ path, body: JSON.parse(init.body as string) as Record<string, string> });
      const answer = path.endsWith("nonce")
        ? { ...nonce, uri: origin }
        : { token: "t", account: OWNER.address, expires_at: Date.now() / 1_000 + 3_600 };
      return new Response(JSON.stringify(answer));
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const wallet = () =>
    new FakeProvider({ personal_sign: ([hex]) => OWNER.signMessage({ message: hexToString(hex as Hex) }) });

  it("signs a message as EIP-4361 has it, once for each account and session", async () => {
    const fake = wallet();
    expect(await signIn(fake.provider, OWNER.address)).toBe("t");
    expect(await signIn(fake.provider, OWNER.address)).toBe("t");
    expect(fake.asked).toEqual(["personal_sign"]);
    expect(posted.map(({ path }) => path)).toEqual(["/v1/auth/nonce", "/v1/auth/login"]);
    expect(posted[1]?.body["message"]).toMatch(/wants you to sign in with your Ethereum account:\n0x[0-9a-fA-F]{40}\n\n/);
  });

  it("is refused for another server than the page's", async () => {
    origin = "https://elsewhere.example";
    await expect(signIn(wallet().provider, OWNER.address)).rejects.toThrow("calls itself https://elsewhere.example");
  });

  it("has every field in its place", () => {
    expect(buildMessage(OWNER.address, nonce, new Date(0)).split("\n")).toEqual([
      `${location.host} wants you to sign in with your Ethereum account:`,
      OWNER.address,
      "",
      "Sign in to Steelyard. This moves no money.",
      "",
      `URI: ${location.origin}`,
      "Version: 1",
      "Chain ID: 31337",
      "Nonce: abcdefgh12345678",
      "Issued At: 1970-01-01T00:00:00.000Z",
    ]);
  });
});
