/** Unix seconds as dates, spans and countdowns. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** In the reader's zone. */
export function formatTime(seconds: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
}

/** In UTC, exact to the second. */
export function formatUtc(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** The two largest units of a span: `2 d 4 h`, `3 min 12 s`. */
export function formatSpan(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  const units: [number, string][] = [
    [Math.floor(left / DAY), "d"],
    [Math.floor((left % DAY) / HOUR), "h"],
    [Math.floor((left % HOUR) / MINUTE), "min"],
    [left % MINUTE, "s"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return "0 s";
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** How far a deadline is from now. */
export function formatDeadline(deadline: number, now: number): string {
  return deadline > now ? `in ${formatSpan(deadline - now)}` : `${formatSpan(now - deadline)} ago`;
}
