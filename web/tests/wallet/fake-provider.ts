/** A wallet in memory, for what needs no chain. */

import type { Provider } from "../../src/chain/provider";

type Answer = (params: readonly unknown[]) => unknown;

/** Answers each method by a function; counts what it was asked. A method without an answer fails as in EIP-1193. */
export class FakeProvider {
  readonly asked: string[] = [];
  private readonly listeners = new Map<string, ((value: unknown) => void)[]>();

  constructor(readonly answers: Record<string, Answer>) {}

  request = async ({ method, params = [] }: { method: string; params?: readonly unknown[] }): Promise<unknown> => {
    this.asked.push(method);
    const answer = this.answers[method];
    if (answer === undefined) throw Object.assign(new Error(`unsupported: ${method}`), { code: 4200 });
    return answer(params);
  };

  on = (name: string, listener: (value: unknown) => void): void => {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  };

  removeListener = (name: string, listener: (value: unknown) => void): void => {
    this.listeners.set(name, (this.listeners.get(name) ?? []).filter((each) => each !== listener));
  };

  emit(name: string, value: unknown): void {
    for (const listener of this.listeners.get(name) ?? []) listener(value);
  }

  get provider(): Provider {
    return this as unknown as Provider;
  }
}

/** An error as a wallet throws it. */
export function refuse(code: number): Answer {
  return () => {
    throw Object.assign(new Error("refused"), { code });
  };
}
