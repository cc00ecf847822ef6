import { describe, expect, it } from "vitest";

import { divide, formatAmount, fromDecimal, sum, toDecimal } from "../../src/format/amount";

const E18 = 10n ** 18n;

describe("toDecimal and fromDecimal", () => {
  it("are exact beyond what a float holds", () => {
    const amount = 123_456_789_012_345_678_901_234_567n;
    expect(toDecimal(amount, 18)).toBe("123456789.012345678901234567");
    expect(fromDecimal("123456789.012345678901234567", 18)).toBe(amount);
  });

  it("undo each other for any number of decimals", () => {
    for (const decimals of [0, 1, 6, 18, 77]) {
      for (const amount of [0n, 1n, 9n, 10n, 99n, 10n ** BigInt(decimals), 2n ** 256n - 1n]) {
        expect(fromDecimal(toDecimal(amount, decimals), decimals)).toBe(amount);
      }
    }
  });

  it.each(["", ".5", "-1", "1e3", "1,000", "0x10", "1.0000001"])("takes %j for no amount of six decimals", (text) => {
    expect(fromDecimal(text, 6)).toBeNull();
  });
});

describe("formatAmount", () => {
  it.each([
    ["0", "0"],
    [String(1000n * E18), "1,000"],
    [String(1_234_567n * E18 + E18 / 2n), "1,234,567.5"],
    ["1", "<0.000001"],
    ["1000000000000", "0.000001"],
    ["189999999999999999998", "189.999999"],
  ])("shows %s as %s", (amount, shown) => {
    expect(formatAmount(amount, 18)).toBe(shown);
  });

  it("never says more than there is", () => {
    expect(formatAmount(2n * E18 - 1n, 18)).toBe("1.999999");
  });
});

describe("divide and sum", () => {
  it("keep twelve digits of integers of any size, and take nothing of nothing for 0", () => {
    expect(divide(10n ** 40n / 3n, 10n ** 40n)).toBeCloseTo(1 / 3, 11);
    expect(divide("1", "0")).toBe(0);
    expect(sum(["1", 2n, String(2n ** 70n)])).toBe(2n ** 70n + 3n);
  });
});
