/** Cosines for the eye, from the Gram matrix of a round. Those that decide anything are exact, in `weighing/`. */

/** The cosine of rows `i` and `j`; 0 where one of them has no length. */
export function computeCosine(gram: readonly (readonly bigint[])[], i: number, j: number): number {
  const own = Number(gram[i]?.[i] ?? 0n);
  const other = Number(gram[j]?.[j] ?? 0n);
  if (own === 0 || other === 0) return 0;
  const cosine = Number(gram[i]?.[j] ?? 0n) / Math.sqrt(own) / Math.sqrt(other);
  return Math.max(-1, Math.min(1, cosine));
}

/** Rows of the evidence's `gram`: the upper triangle by rows, eight bytes an entry, big-endian. */
export function parseGram(hex: string, n: number): bigint[][] {
  const digits = hex.slice(2);
  if (digits.length !== 8 * n * (n + 1)) throw new RangeError(`${digits.length} digits are no matrix of ${n} rows`);
  const gram = Array.from({ length: n }, () => new Array<bigint>(n).fill(0n));
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++, at += 16) {
      const value = BigInt.asIntN(64, BigInt(`0x${digits.slice(at, at + 16)}`));
      for (const [row, column] of [
        [i, j],
        [j, i],
      ] as const) {
        const into = gram[row];
        if (into !== undefined) into[column] = value;
      }
    }
  }
  return gram;
}
