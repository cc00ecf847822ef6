import { describe, expect, it } from "vitest";

import { sameAddress, shortenCid, shortenHex } from "../../src/format/hex";
import { formatBps, formatCosine, formatCount, formatPart, pluralise } from "../../src/format/number";
import { formatDeadline, formatSpan, formatUtc } from "../../src/format/time";
import { describe as inWords, nameProject, titleCase } from "../../src/format/words";

describe("numbers", () => {
  it.each([
    [0, "0 %"],
    [1, "100 %"],
    [0.2, "20 %"],
    [0.1795, "17.9 %"],
    [0.0123, "1.23 %"],
    [0.00001, "<0.01 %"],
  ])("shows the part %d as %s", (part, shown) => {
    expect(formatPart(part)).toBe(shown);
  });

  it("shows basis points, cosines and counts", () => {
    expect(formatBps(4664)).toBe("46.64 %");
    expect(formatBps(500)).toBe("5 %");
    expect(formatCosine(-0.5)).toBe("−0.500");
    expect(formatCosine(1)).toBe("+1.000");
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(pluralise(1, "trainer")).toBe("1 trainer");
    expect(pluralise(2, "trainer")).toBe("2 trainers");
  });
});

describe("times", () => {
  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [192, "3 min 12 s"],
    [3_600, "1 h"],
    [86_400 * 2 + 3_600 * 4 + 59, "2 d 4 h"],
    [-5, "0 s"],
  ])("says %d seconds as %s", (seconds, said) => {
    expect(formatSpan(seconds)).toBe(said);
  });

  it("tells deadlines from both sides", () => {
    expect(formatDeadline(1_000, 940)).toBe("in 1 min");
    expect(formatDeadline(1_000, 1_030)).toBe("30 s ago");
  });

  it("gives UTC to the second", () => {
    expect(formatUtc(1_700_000_000)).toBe("2023-11-14 22:13:20 UTC");
  });
});

describe("names", () => {
  it("keeps both ends of what it shortens", () => {
    const address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    expect(shortenHex(address)).toBe("0x7099…79C8");
    expect(shortenHex("0x1234")).toBe("0x1234");
    expect(shortenCid("bafkreiespybcymrlut2ny543bqk6cl7af6qmkkbdavl5nybauxhwh5x3pe")).toBe("bafkreie…h5x3pe");
    expect(sameAddress(address, address.toLowerCase())).toBe(true);
  });

  it("has a word for what it knows, and shows the rest as it is", () => {
    expect(inWords("too_few")).toBe("Too few updates");
    expect(inWords("some_new_state")).toBe("some new state");
    expect(titleCase("first_settlement")).toBe("First settlement");
    expect(titleCase("NotSettled")).toBe("Not settled");
  });

  it("names a project by its title where there is one", () => {
    const id = `0x${"5e".repeat(32)}`;
    expect(nameProject({ id, title: "Digits" })).toBe("Digits");
    expect(nameProject({ id, title: null })).toBe("Project 0x5e5e…5e5e");
  });
});
