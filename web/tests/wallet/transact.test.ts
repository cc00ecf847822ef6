// @vitest-environment node

import { describe, expect, it } from "vitest";

import { encodeCall } from "../../src/wallet/calls";
import type { Call, Context } from "../../src/wallet/calls";
import { checkUnsigned } from "../../src/wallet/transact";
import type { Unsigned } from "../../src/wallet/transact";
import { describeCall, findToken } from "../../src/wallet/words";

const MARKETPLACE = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const TOKEN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
const OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const PROJECT = `0x${"5e".repeat(32)}` as const;
const RULE = "screen-clip-nnm-multi-krum";
const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

const CONTEXT: Context = {
  sender: OWNER,
  dimension: 2_410,
  market: {
    chainId: 31_337,
    rpcUrl: null,
    marketplace: MARKETPLACE,
    verifier: STRANGER,
    rules: { [RULE]: TOKEN },
    token: TOKEN,
    hasStorage: true,
  },
};

const CREATE: Call = {
  name: "createProject",
  token: TOKEN,
  spec_cid: CID,
  permit: null,
  chain: {
    budget: "1000000000000000000000",
    rounds: 5,
    min_trainers: 5,
    max_trainers: 10,
    min_reputation_bps: 0,
    byzantine_bps: 3_000,
    min_stake: "50000000000000000000",
    aggregator_fee_bps: 500,
    slash_bps: 5_000,
    max_strikes: 3,
    max_absences: 3,
    aggregator_stake: "100000000000000000000",
    aggregator_slash_bps: 5_000,
    enrol_seconds: 3_600,
    submit_seconds: 600,
    settle_seconds: 600,
    attest_seconds: 600,
    rule: RULE,
    aggregator: null,
  },
};
const PERMIT = { deadline: 2_000_000_000, v: 27, r: `0x${"11".repeat(32)}`, s: `0x${"22".repeat(32)}` } as const;
const CALLS: readonly Call[] = [
  CREATE,
  { ...CREATE, permit: PERMIT },
  { name: "approve", token: TOKEN, amount: "5" },
  { name: "deposit", token: TOKEN, amount: "5", permit: null },
  { name: "deposit", token: TOKEN, amount: "5", permit: PERMIT },
  { name: "unbond", token: TOKEN, amount: "5" },
  { name: "claim", token: TOKEN, recipient: OWNER },
  { name: "withdraw", token: TOKEN, recipient: OWNER },
  { name: "registerKey", key: PROJECT },
  { name: "registerHybridKey", key: PROJECT },
  { name: "start", project_id: PROJECT },
  { name: "cancel", project_id: PROJECT },
  { name: "poke", project_id: PROJECT },
  { name: "enrol", project_id: PROJECT },
  { name: "leave", project_id: PROJECT },
  { name: "grantAccess", project_id: PROJECT, reader: STRANGER, from_round: 2, manifest_cid: CID },
  { name: "revokeAccess", project_id: PROJECT, reader: STRANGER },
];

function make(call: Call): Unsigned {
  const [nonce, gas, maxFeePerGas, maxPriorityFeePerGas] = ["0x0", "0x5208", "0x2", "0x1"] as const;
  const fees = { nonce, gas, maxFeePerGas, maxPriorityFeePerGas };
  return { type: "0x2", chainId: "0x7a69", from: OWNER, value: "0x0", ...fees, ...encodeCall(call, CONTEXT) };
}

describe.each(CALLS.map((call) => [call.name, call] as const))("%s", (_, call) => {
  it("passes where it is what was asked for, and is told in words", () => {
    const unsigned = make(call);
    expect(() => checkUnsigned(unsigned, call, CONTEXT)).not.toThrow();
    const token = findToken(unsigned.to, unsigned.data, MARKETPLACE);
    const facts = token === null ? null : { address: token, symbol: "TOK", decimals: 18 };
    expect(describeCall(unsigned.to, unsigned.data, MARKETPLACE, facts).title).toMatch(/^[A-Z]/);
  });

  it("is refused in any other shape", () => {
    const unsigned = make(call);
    const lies: readonly (readonly [Partial<Unsigned>, string])[] = [
      [{ to: STRANGER }, "it goes to"],
      [{ from: STRANGER }, "it is from"],
      [{ chainId: "0x1" }, "it is for chain 1"],
      [{ value: "0x1" }, "it sends 1 wei"],
      [{ type: "0x0" as "0x2" }, "it is of type 0x0"],
      [{ data: `${unsigned.data.slice(0, -1)}${unsigned.data.endsWith("1") ? "2" : "1"}` as `0x${string}` }, "its data"],
    ];
    for (const [lie, reason] of lies) {
      expect(() => checkUnsigned({ ...unsigned, ...lie }, call, CONTEXT), reason).toThrow(reason);
    }
  });
});

it("tells the money of what is signed, from its bytes", () => {
  const { to, data } = make(CREATE);
  const token = { address: TOKEN, symbol: "TOK", decimals: 18 } as const;
  const prompt = describeCall(to, data, MARKETPLACE, token);
  expect(prompt.title).toBe("Create a project and pay 1,000 TOK into its escrow");
  expect(prompt.details).toContainEqual(["A trainer's stake", "50 TOK"]);
  expect(prompt.details).toContainEqual(["Preferred aggregator", "none"]);
});
