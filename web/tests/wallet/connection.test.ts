import { beforeEach, describe, expect, it } from "vitest";

import { Connection } from "../../src/wallet/connection";
import { discoverWallets, INJECTED } from "../../src/wallet/discovery";
import type { Wallet } from "../../src/wallet/discovery";
import { FakeProvider, refuse } from "./fake-provider";

const ADA = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const BEN = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

function makeProvider(): FakeProvider {
  return new FakeProvider({
    eth_accounts: () => [ADA.toLowerCase()],
    eth_requestAccounts: () => [ADA.toLowerCase()],
    eth_chainId: () => "0x7a69",
  });
}

function announce(provider: FakeProvider, rdns = "test.wallet", name = "Test"): void {
  const detail = { info: { uuid: "1", rdns, name, icon: "" }, provider: provider.provider };
  dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
}

function discover(): Wallet[] {
  const found: Wallet[] = [];
  discoverWallets((wallet) => found.push(wallet));
  return found;
}

beforeEach(() => {
  localStorage.clear();
  delete (globalThis as { ethereum?: unknown }).ethereum;
});

describe("discovery", () => {
  it("asks for announcements, and takes each wallet once, late ones too", () => {
    const provider = makeProvider();
    const answer = () => announce(provider);
    addEventListener("eip6963:requestProvider", answer);
    const found = discover();
    expect(found.map(({ name }) => name)).toEqual(["Test"]);
    announce(provider);
    announce(makeProvider(), "late.wallet", "Late");
    removeEventListener("eip6963:requestProvider", answer);
    expect(found.map(({ name }) => name)).toEqual(["Test", "Late"]);
  });

  it("falls back to the wallet at window.ethereum, and ignores what is none", () => {
    (globalThis as { ethereum?: unknown }).ethereum = makeProvider();
    expect(discover().map(({ id }) => id)).toEqual([INJECTED]);
    (globalThis as { ethereum?: unknown }).ethereum = { request: "none" };
    const found = discover();
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info: { rdns: 1 } } }));
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: null }));
    expect(found).toEqual([]);
  });
});

describe("a connection", () => {
  const wallet = (provider: FakeProvider): Wallet => ({ id: "test.wallet", name: "Test", provider: provider.provider });

  it("has the account by its checksum, and follows account and chain", async () => {
    const [connection, provider] = [new Connection(), makeProvider()];
    await connection.connect(wallet(provider));
    expect(connection.get().connected).toMatchObject({ account: ADA, chainId: 31_337 });
    provider.emit("accountsChanged", [BEN.toLowerCase()]);
    provider.emit("chainChanged", "0x1");
    expect(connection.get().connected).toMatchObject({ account: BEN, chainId: 1 });
    provider.emit("accountsChanged", []);
    expect(connection.get().connected).toBeNull();
    provider.emit("accountsChanged", [ADA]);
    expect(connection.get().connected).toBeNull();
  });

  it("is taken up after a reload without asking the user, if it was not given up", async () => {
    const provider = makeProvider();
    await new Connection().connect(wallet(provider));
    const reloaded = new Connection();
    reloaded.start();
    announce(provider);
    await expect.poll(() => reloaded.get().connected?.account).toBe(ADA);
    expect(provider.asked).toEqual(["eth_requestAccounts", "eth_chainId", "eth_accounts", "eth_chainId"]);
    reloaded.disconnect();
    expect(localStorage.getItem("steelyard.wallet")).toBeNull();
  });

  it("is none where the user says no", async () => {
    const provider = new FakeProvider({ eth_requestAccounts: refuse(4001) });
    const connection = new Connection();
    await expect(connection.connect(wallet(provider))).rejects.toMatchObject({ code: 4001 });
    expect(connection.get().connected).toBeNull();
    expect(localStorage.getItem("steelyard.wallet")).toBeNull();
  });
});
