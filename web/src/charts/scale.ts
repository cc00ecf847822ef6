/** From figures to places on a plot. */

export interface Scale {
  (value: number): number;
  readonly domain: readonly [number, number];
}

/** A straight line from a domain to a range; a domain of one point lies in the middle. */
export function makeScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const span = domain[1] - domain[0];
  const place = (value: number) =>
    span === 0
      ? (range[0] + range[1]) / 2
      : range[0] + ((value - domain[0]) / span) * (range[1] - range[0]);
  return Object.assign(place, { domain });
}

/** Round numbers that cover a domain, about `count` of them. */
export function computeTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The smallest round number that a maximum fits under. */
export function computeCeiling(maximum: number, count = 4): number {
  if (maximum <= 0) return 1;
  const step = computeTicks(0, maximum, count)[1] ?? maximum;
  return Number((Math.ceil(maximum / step - 1e-9) * step).toPrecision(12));
}

/** At most `count` of some whole numbers from `0` on, evenly spaced: labels that do not touch. */
export function thinOut(length: number, count: number): number[] {
  const step = Math.max(1, Math.ceil(length / Math.max(1, count)));
  const steps = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
  const chosen = steps.find((size) => size >= step) ?? step;
  return Array.from({ length: Math.ceil(length / chosen) }, (_, index) => index * chosen);
}
