/** Exact integers. All of the weighing is in these: no number of it ever passes through a float. */

/** The number one in the rules' Q32 fixed-point format. */
export const ONE = 1n << 32n;

/** One hundred per cent in basis points. */
export const BPS = 10_000n;

/** The floor of the square root, by Newton's iteration from above. */
export function isqrt(value: bigint): bigint {
  if (value < 0n) throw new RangeError(`no square root of ${value}`);
  if (value < 2n) return value;
  let root = 1n << BigInt(2 * value.toString(16).length);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** `0 … n − 1`. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}

/** The value at an index that must be there. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length}`);
  return value;
}
