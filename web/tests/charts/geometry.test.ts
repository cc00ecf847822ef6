import { describe, expect, it } from "vitest";

import { computeCosine } from "../../src/charts/cosines";
import { drawLine, drawSteps } from "../../src/charts/path";
import { computeCeiling, computeTicks, makeScale, thinOut } from "../../src/charts/scale";
import { computeHeight, computeStacks } from "../../src/charts/stack";
import { decodeGram, MatrixError } from "../../src/weighing/matrix";

describe("scales", () => {
  it("maps the ends of the domain to the ends of the range, either way round", () => {
    const y = makeScale([0, 10], [200, 0]);
    expect([y(0), y(5), y(10)]).toEqual([200, 100, 0]);
    expect(makeScale([3, 3], [0, 10])(3)).toBe(5);
  });

  it.each([
    [0, 1, 4],
    [0, 200, 4],
    [0, 0.003, 5],
    [-1, 1, 4],
    [0, 189.99, 4],
  ])("has round ticks from %d to %d, evenly spaced and within", (low, high, count) => {
    const ticks = computeTicks(low, high, count);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThanOrEqual(2 * count + 1);
    const steps = ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(steps[0] ?? 0, 9);
    expect(Math.min(...ticks)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...ticks)).toBeLessThanOrEqual(high + 1e-9);
  });

  it("has a ceiling that holds the maximum and is a tick itself", () => {
    for (const maximum of [0.4, 1, 7, 189.99, 200, 12_345]) {
      const ceiling = computeCeiling(maximum);
      expect(ceiling).toBeGreaterThanOrEqual(maximum);
      expect(ceiling).toBeLessThanOrEqual(2 * maximum);
    }
    expect(computeCeiling(0)).toBe(1);
  });

  it("leaves out labels until they fit, and keeps the first", () => {
    for (const [length, count] of [
      [5, 10],
      [50, 8],
      [1_000, 12],
      [1, 1],
      [0, 4],
    ] as const) {
      const shown = thinOut(length, count);
      expect(shown.length).toBeLessThanOrEqual(Math.max(count, 0) || 1);
      if (length > 0) expect(shown[0]).toBe(0);
      expect(shown.every((place) => place < length)).toBe(true);
    }
  });
});

describe("stacks", () => {
  it("puts each value on those before it, and leaves out what is nothing", () => {
    const [first, second] = computeStacks([
      [1, 0, 2],
      [0, 0, 0],
    ]);
    expect(first).toEqual([
      { series: 0, from: 0, to: 1 },
      { series: 2, from: 1, to: 3 },
    ]);
    expect(second).toEqual([]);
    expect(computeHeight(first ?? [])).toBe(3);
    expect(computeHeight(second ?? [])).toBe(0);
  });
});

describe("paths", () => {
  const points = [
    { x: 0, y: 10 },
    { x: 5, y: 4 },
  ];

  it("draws lines straight and steps by corners", () => {
    expect(drawLine(points)).toBe("M0 10L5 4");
    expect(drawSteps(points)).toBe("M0 10L5 10L5 4");
    expect(drawLine([])).toBe("");
  });
});

describe("cosines", () => {
  const hex = (value: bigint) => BigInt.asUintN(64, value).toString(16).padStart(16, "0");

  it("reads the upper triangle of an evidence bundle", () => {
    const gram = decodeGram(`0x${[4n, -6n, 1n, 9n, 0n, 25n].map(hex).join("")}`, 3);
    expect(gram).toEqual([
      [4n, -6n, 1n],
      [-6n, 9n, 0n],
      [1n, 0n, 25n],
    ]);
    expect(computeCosine(gram, 0, 1)).toBe(-1);
    expect(computeCosine(gram, 0, 0)).toBe(1);
    expect(computeCosine(gram, 0, 2)).toBeCloseTo(0.1, 12);
    expect(() => decodeGram("0x00", 3)).toThrow(MatrixError);
  });

  it("takes a row of no length for one that points nowhere", () => {
    expect(computeCosine([[0n, 0n], [0n, 4n]], 0, 1)).toBe(0);
  });
});
