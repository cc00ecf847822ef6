/** Exact integers of a token's smallest unit, as people read them. */

const MAX_FRACTION = 6;

export interface Unit {
  symbol: string | null;
  decimals: number | null;
}

/** The exact decimal number, without a needless fraction: `1234.5` for 12345 with one decimal. */
export function toDecimal(amount: string | bigint, decimals: number): string {
  const value = BigInt(amount);
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The smallest units of a decimal number that somebody typed, or null where it is none. */
export function fromDecimal(text: string, decimals: number): bigint | null {
  const match = /^([0-9]+)(?:\.([0-9]*))?$/.exec(text.trim());
  if (match === null) return null;
  const fraction = match[2] ?? "";
  if (fraction.length > decimals) return null;
  return BigInt((match[1] ?? "0") + fraction.padEnd(decimals, "0"));
}

/** Groups of three digits, and at most six digits after the point, cut off and never rounded up. */
export function formatAmount(amount: string | bigint, decimals: number): string {
  const [whole = "0", fraction = ""] = toDecimal(amount, decimals).split(".");
  const shown = fraction.slice(0, MAX_FRACTION).replace(/0+$/, "");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  if (grouped === "0" && shown === "" && fraction !== "") return `<0.${"0".repeat(MAX_FRACTION - 1)}1`;
  return shown === "" ? grouped : `${grouped}.${shown}`;
}

/** A part of a sum as a fraction of one; 0 where the sum is 0. Exact to about twelve digits. */
export function divide(part: string | bigint, whole: string | bigint): number {
  const divisor = BigInt(whole);
  return divisor === 0n ? 0 : Number((BigInt(part) * 10n ** 12n) / divisor) / 1e12;
}

/** Amounts added up. */
export function sum(amounts: Iterable<string | bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += BigInt(amount);
  return total;
}
