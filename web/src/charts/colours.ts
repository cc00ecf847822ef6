/** Colours of series: far apart for neighbours, of one lightness, on light and on dark ground. */

const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 200;

export function getColour(series: number): string {
  const hue = (FIRST_HUE + series * GOLDEN_ANGLE) % 360;
  const lightness = 0.6 + 0.07 * ((series % 3) - 1);
  return `oklch(${lightness.toFixed(2)} 0.1 ${hue.toFixed(0)})`;
}

/** A cosine from −1 to 1: one colour for agreement, another for opposition, none for neither. */
export function getCosineColour(cosine: number): string {
  const strength = Math.min(1, Math.abs(cosine));
  const colour = cosine < 0 ? "var(--against)" : "var(--accent)";
  return `color-mix(in oklab, ${colour} ${Math.round(strength * 88)}%, var(--surface))`;
}

/** How dark the ground of a cosine's figure is. `plots.css` has a colour of sufficient contrast for each, by scheme. */
export function getTone(cosine: number): "weak" | "middle" | "strong" | "against" {
  if (cosine < 0) return cosine < -0.75 ? "against" : "weak";
  return cosine < 0.66 ? "weak" : cosine < 0.9 ? "middle" : "strong";
}
