// @vitest-environment node

import { expect, it } from "vitest";

import { formatCid, parseCid, RAW } from "../../src/chain/cid";

const EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const EMPTY_DIGEST = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TREE = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

it("reads and writes the identifier of a raw block", () => {
  expect(parseCid(EMPTY)).toEqual({ digest: EMPTY_DIGEST, codec: RAW });
  expect(formatCid({ digest: EMPTY_DIGEST, codec: RAW })).toBe(EMPTY);
  expect(formatCid(parseCid(TREE))).toBe(TREE);
});

it.each([
  "",
  "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
  EMPTY.slice(0, -1),
  `${EMPTY.slice(0, -1)}v`,
  EMPTY.toUpperCase(),
])("refuses %j", (text) => {
  expect(() => parseCid(text)).toThrow(RangeError);
});
