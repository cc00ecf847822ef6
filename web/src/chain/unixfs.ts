/**
 * The content identifier of a file, the same that an IPFS node gives it: UnixFS, CIDv1, raw leaves of 262,144 bytes, a
 * balanced tree of 174 links (docs/protocol.md, "content identifiers").
 */

import { concatBytes, sha256 } from "viem";

import { formatCid, RAW, TREE, toBytes } from "./cid";
import type { Cid } from "./cid";

const CHUNK_BYTES = 262_144;
const LINKS_PER_NODE = 174;

/** A node and all that is below it. */
interface Subtree {
  readonly cid: Cid;
  /** Of the file's own bytes below this node. */
  readonly contentBytes: number;
  /** Of all blocks from this node down, itself included. */
  readonly totalBytes: number;
}

export function computeCid(file: Uint8Array): string {
  let level: Subtree[] = [];
  for (let start = 0; start < Math.max(file.length, 1); start += CHUNK_BYTES) {
    const chunk = file.subarray(start, start + CHUNK_BYTES);
    level.push({ cid: name(chunk, RAW), contentBytes: chunk.length, totalBytes: chunk.length });
  }
  while (level.length > 1) level = addParents(level);
  const [root] = level;
  if (root === undefined) throw new RangeError("a file has at least one block");
  return formatCid(root.cid);
}

function addParents(level: readonly Subtree[]): Subtree[] {
  const parents: Subtree[] = [];
  for (let start = 0; start < level.length; start += LINKS_PER_NODE) {
    const children = level.slice(start, start + LINKS_PER_NODE);
    const block = encodeNode(children);
    const totalBytes = block.length + total(children.map((child) => child.totalBytes));
    parents.push({ cid: name(block, TREE), contentBytes: total(children.map((each) => each.contentBytes)), totalBytes });
  }
  return parents;
}

/** The dag-pb block of an inner node: links (hash, empty name, size) before the UnixFS message (type, size, sizes). */
function encodeNode(children: readonly Subtree[]): Uint8Array {
  const links = children.map((child) =>
    encodeBytes(
      2,
      concatBytes([
        encodeBytes(1, toBytes(child.cid)),
        encodeBytes(2, new Uint8Array()),
        encodeInteger(3, child.totalBytes),
      ]),
    ),
  );
  const sizes = children.map((child) => child.contentBytes);
  const unixfs = [encodeInteger(1, 2), encodeInteger(3, total(sizes)), ...sizes.map((size) => encodeInteger(4, size))];
  return concatBytes([...links, encodeBytes(1, concatBytes(unixfs))]);
}

function name(block: Uint8Array, codec: number): Cid {
  return { digest: sha256(block), codec };
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** An integer as protocol buffers have it, seven bits at a time, the lowest first. */
function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

function encodeInteger(field: number, value: number): Uint8Array {
  return Uint8Array.from([...encodeVarint(field * 8), ...encodeVarint(value)]);
}

function encodeBytes(field: number, value: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from([...encodeVarint(field * 8 + 2), ...encodeVarint(value.length)]), value]);
}
