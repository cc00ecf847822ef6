import { type ComponentChild, render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const WAIT = { timeout: 20_000 };
const HASH = `0x${"ab".repeat(32)}`;
const ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/** Renders with the operator's choice of explorer; modules are new each time, because they keep the deployment. */
async function show(explorer: string | null, element: (parts: typeof import("../../src/ui/hex")) => ComponentChild) {
  const answer = () => Promise.resolve(new Response(JSON.stringify({ explorer_url: explorer })));
  vi.stubGlobal("fetch", vi.fn(answer));
  const parts = await import("../../src/ui/hex");
  const root = document.createElement("div");
  document.body.append(root);
  render(element(parts), root);
  return root;
}

beforeEach(() => vi.resetModules());
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe("Transaction", () => {
  it("leads to the explorer where there is one", async () => {
    const root = await show("https://explorer.example", ({ Transaction }) => <Transaction hash={HASH} />);
    await vi.waitFor(() => expect(root.querySelector("a")?.href).toBe(`https://explorer.example/tx/${HASH}`), WAIT);
  });

  it("can be read whole and copied where there is none", async () => {
    const root = await show(null, ({ Transaction }) => <Transaction hash={HASH} />);
    expect(root.querySelector("a")).toBeNull();
    expect(root.querySelector(".full")?.textContent).toBe(HASH);
    expect(root.querySelector("[tabindex='0']")).not.toBeNull();
    expect(root.querySelector("button")?.getAttribute("aria-label")).toBe("Copy transaction hash");
  });

  it("is a dash where nothing was sent", async () => {
    const root = await show(null, ({ Transaction }) => <Transaction hash={null} />);
    expect(root.textContent).toBe("–");
  });
});

describe("Address", () => {
  it("leads to the page of a trainer or an aggregator, whatever the explorer", async () => {
    const root = await show("https://explorer.example", ({ Address }) => <Address address={ADDRESS} role="trainer" />);
    expect(root.querySelector("a")?.getAttribute("href")).toBe(`/trainers/${ADDRESS}`);
    expect(root.textContent).toContain("0x7099…79C8");
  });

  it("calls the zero address nobody", async () => {
    const root = await show(null, ({ Address }) => <Address address={`0x${"0".repeat(40)}`} role="aggregator" />);
    expect(root.textContent).toBe("nobody");
  });
});
