/** The driver's talk with the test that started it: a line of JSON each way. */

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line that the test says. */
export async function hear() {
  const { value, done } = await lines.next();
  if (done) throw new Error("the test has nothing more to say");
  return JSON.parse(value);
}

/** Tells the test how far things are, and waits until it has looked. */
export async function tell(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
  return hear();
}
