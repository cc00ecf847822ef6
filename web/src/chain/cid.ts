/** Content identifiers as the chain has them: CIDv1, base32, sha2-256, raw or dag-pb. */

import { bytesToHex, hexToBytes } from "viem";
import type { Hex } from "viem";

export interface Cid {
  readonly digest: Hex;
  readonly codec: number;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
/** The codec of a block that is no tree. */
export const RAW = 0x55;

/** The codec of a node of a tree, dag-pb. */
export const TREE = 0x70;

const CODECS: readonly number[] = [RAW, TREE];
const LENGTH = 36;

/** @throws RangeError where it is none that the contract takes */
export function parseCid(text: string): Cid {
  const bytes = text.startsWith("b") ? decodeBase32(text.slice(1)) : null;
  const [version, codec, hash, size] = bytes ?? [];
  if (bytes?.length !== LENGTH || version !== 1 || hash !== 0x12 || size !== 32 || !CODECS.includes(codec ?? 0)) {
    throw new RangeError(`${text} is no CIDv1 of raw or dag-pb with sha2-256`);
  }
  return { digest: bytesToHex(bytes.slice(4)), codec: codec ?? 0 };
}

/** The identifier as text, of one version and spelling. */
export function formatCid(cid: Cid): string {
  return `b${encodeBase32(toBytes(cid))}`;
}

/** Version, codec, hash function and length, digest. */
export function toBytes({ digest, codec }: Cid): Uint8Array {
  return Uint8Array.of(1, codec, 0x12, 32, ...hexToBytes(digest));
}

function encodeBase32(bytes: Uint8Array): string {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return bits === 0 ? text : text + ALPHABET.charAt(held << (5 - bits));
}

function decodeBase32(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
      held &= (1 << bits) - 1;
    }
  }
  return bits < 5 && held === 0 ? new Uint8Array(bytes) : null;
}
