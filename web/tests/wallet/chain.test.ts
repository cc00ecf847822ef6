// @vitest-environment node

import { describe, expect, it } from "vitest";

import { ensureChain } from "../../src/wallet/chain";
import { FakeProvider, refuse } from "./fake-provider";

const CHAIN = { chainId: 31_337, rpcUrl: "https://node.example" };

function makeProvider(switching: "works" | "lies" | number) {
  const state = { chain: "0x1", added: [] as unknown[] };
  const provider = new FakeProvider({
    eth_chainId: () => state.chain,
    wallet_switchEthereumChain: (params) => {
      if (typeof switching === "number") return refuse(switching)([]);
      if (switching === "works") state.chain = (params[0] as { chainId: string }).chainId;
      return null;
    },
    wallet_addEthereumChain: (params) => {
      state.added.push(params[0]);
      state.chain = "0x7a69";
      return null;
    },
  });
  return { provider, state };
}

describe("bringing a wallet to the chain", () => {
  it("asks nothing where it is there already", async () => {
    const { provider, state } = makeProvider("works");
    state.chain = "0x7a69";
    await ensureChain(provider.provider, CHAIN);
    expect(provider.asked).toEqual(["eth_chainId"]);
  });

  it("switches, and adds a chain that is unknown", async () => {
    const known = makeProvider("works");
    await ensureChain(known.provider.provider, CHAIN);
    expect([known.state.chain, known.state.added]).toEqual(["0x7a69", []]);
    const unknown = makeProvider(4902);
    await ensureChain(unknown.provider.provider, CHAIN);
    expect(unknown.state.added).toMatchObject([{ chainId: "0x7a69", rpcUrls: ["https://node.example"] }]);
  });

  it("fails where the user says no, the wallet stays, or nobody names a node", async () => {
    await expect(ensureChain(makeProvider(4001).provider.provider, CHAIN)).rejects.toMatchObject({ code: 4001 });
    await expect(ensureChain(makeProvider("lies").provider.provider, CHAIN)).rejects.toThrow("still on another chain");
    const unnamed = { ...CHAIN, rpcUrl: null };
    await expect(ensureChain(makeProvider(4902).provider.provider, unnamed)).rejects.toThrow("add it there");
  });
});
