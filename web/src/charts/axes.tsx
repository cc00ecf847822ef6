import type { Scale } from "./scale";

interface Props {
  x: { ticks: readonly { at: number; label: string }[] };
  y: { scale: Scale; ticks: readonly number[]; format: (value: number) => string };
  left: number;
  right: number;
  bottom: number;
}

/** Horizontal rules with their figures, and labels below. */
export function Axes({ x, y, left, right, bottom }: Props) {
  return (
    <g class="axes" aria-hidden="true">
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line x1={left} x2={right} y1={y.scale(tick)} y2={y.scale(tick)} />
          <text x={left - 6} y={y.scale(tick)} dy="0.32em" text-anchor="end">
            {y.format(tick)}
          </text>
        </g>
      ))}
      {x.ticks.map(({ at, label }) => (
        <text key={label} x={at} y={bottom + 16} text-anchor="middle">
          {label}
        </text>
      ))}
    </g>
  );
}
