/** Counts, parts and basis points. */

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return COUNT.format(value);
}

/** A fraction of one in per cent, with as many digits as are of use. */
export function formatPart(part: number): string {
  const percent = part * 100;
  if (percent !== 0 && Math.abs(percent) < 0.01) return percent < 0 ? ">−0.01 %" : "<0.01 %";
  return `${percent.toFixed(Math.abs(percent) >= 10 || Number.isInteger(percent) ? (Number.isInteger(percent) ? 0 : 1) : 2)} %`;
}

export function formatBps(bps: number): string {
  return `${Number((bps / 100).toFixed(2))} %`;
}

/** A cosine with its sign. */
export function formatCosine(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

export function pluralise(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
