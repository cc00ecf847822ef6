/** Addresses, hashes and content identifiers, shortened so that both ends can be compared. */

export function shortenHex(text: string, ends = 4): string {
  return text.length <= 2 * ends + 4 ? text : `${text.slice(0, 2 + ends)}…${text.slice(-ends)}`;
}

export function shortenCid(text: string): string {
  return text.length <= 16 ? text : `${text.slice(0, 8)}…${text.slice(-6)}`;
}

export const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

export function sameAddress(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
