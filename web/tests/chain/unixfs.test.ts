// @vitest-environment node

import { expect, it } from "vitest";

import { computeCid } from "../../src/chain/unixfs";

const CHUNK = 262_144;

/** What `steelyard.storage.compute_cid` gives: one leaf, a tree, and a tree of trees. */
const KNOWN: readonly (readonly [length: number, cid: string])[] = [
  [0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
  [1, "bafkreiaij7wqrolyv5gx2glkordkq22yacpgg23bdwyweenwlknk37zjyu"],
  [CHUNK, "bafkreid3ofkvqtwnytdm4cxy3aidkhcqq6i2nv5w3nvyvfwmkuonkyqeai"],
  [CHUNK + 1, "bafybeigrosvbbw24eykfaduzjk4rkdmyo7khbhw2ybhqz3g23oa5nsc4cm"],
  [3 * CHUNK, "bafybeihq5o5iiy3s6xn3cmxfcjs2ykmz4q2gqwpqtoymz5ahiiqdinzp5q"],
];

it.each(KNOWN)("names a file of %i bytes as IPFS does", (length, cid) => {
  expect(computeCid(Uint8Array.from({ length }, (_, place) => (place * 7 + 3) % 251))).toBe(cid);
});

it("names a file of more chunks than a node has links", () => {
  const file = new Uint8Array(174 * CHUNK + 1);
  expect(computeCid(file)).toBe("bafybeihqwzd3o6q6v3pmwhzjy22vokhr767burokmqemg63hptx2nqd7ym");
});
