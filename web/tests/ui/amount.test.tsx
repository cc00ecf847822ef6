import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const WAIT = { timeout: 20_000 };
const AMOUNT = "189999999999999999998";

const problem = (status: number) => new Response(JSON.stringify({ status, detail: "no" }), { status });

async function show(answers: (Response | Promise<Response>)[]): Promise<HTMLElement> {
  const fetched = vi.fn();
  for (const answer of answers) fetched.mockReturnValueOnce(Promise.resolve(answer));
  vi.stubGlobal("fetch", fetched);
  const { Amount } = await import("../../src/ui/amount");
  const root = document.createElement("div");
  render(<Amount amount={AMOUNT} token={TOKEN} />, root);
  await vi.waitFor(() => expect(fetched).toHaveBeenCalled(), WAIT);
  return root;
}

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

describe("Amount", () => {
  it("is in the token's unit, with the exact figure as its title", async () => {
    const root = await show([new Response(JSON.stringify({ symbol: "SYT", decimals: 18 }))]);
    await vi.waitFor(() => expect(root.textContent).toBe("189.999999 SYT"), WAIT);
    expect(root.querySelector("span")?.title).toBe("189.999999999999999998 SYT");
  });

  it("says no figure while the token is unknown", async () => {
    const root = await show([new Promise<Response>(() => undefined)]);
    expect(root.textContent).toBe("…");
  });

  it("is in smallest units where the token does not say how many make one", async () => {
    const root = await show([problem(404)]);
    await vi.waitFor(() => expect(root.textContent).toBe("189,999,999,999,999,999,998 smallest units"), WAIT);
  });
});
