import { useState } from "preact/hooks";

import { Axes } from "./axes";
import { getColour } from "./colours";
import { Figure } from "./figure";
import { StackedTable } from "./stacked-table";
import { computeCeiling, computeTicks, makeScale, thinOut } from "./scale";
import { computeHeight, computeStacks } from "./stack";

export interface Series {
  id: string;
  label: string;
  /** Which colour: the same trainer has the same in every plot. */
  colour: number;
}

interface Props {
  caption: string;
  /** What a place is: `Round`. */
  placeName: string;
  places: readonly string[];
  series: readonly Series[];
  /** By place, then by series. */
  values: readonly (readonly number[])[];
  format: (value: number) => string;
  /** The top of the plot; by default what the highest stack needs. */
  maximum?: number;
}

const HEIGHT = 240;
const MARGIN = { top: 10, right: 4, bottom: 24, left: 58 };

/** Bars of stacked values, one for each place. A series of the legend can be picked out. */
export function StackedBars({ caption, placeName, places, series, values, format, maximum }: Props) {
  const [picked, setPicked] = useState<string | null>(null);
  const stacks = computeStacks(values);
  const top = maximum ?? computeCeiling(Math.max(0, ...stacks.map(computeHeight)));
  const y = makeScale([0, top], [HEIGHT - MARGIN.bottom, MARGIN.top]);

  function draw(width: number) {
    const band = (width - MARGIN.left - MARGIN.right) / Math.max(1, places.length);
    const bar = Math.max(1, Math.min(48, band * 0.76));
    const middle = (place: number) => MARGIN.left + (place + 0.5) * band;
    const ticks = thinOut(places.length, Math.floor(width / 44)).map((place) => ({
      at: middle(place),
      label: places[place] ?? "",
    }));
    return (
      <svg width={width} height={HEIGHT} role="img" aria-label={`${caption}. The table below has the figures.`}>
        <Axes
          x={{ ticks }}
          y={{ scale: y, ticks: computeTicks(0, top, 4), format }}
          left={MARGIN.left}
          right={width - MARGIN.right}
          bottom={HEIGHT - MARGIN.bottom}
        />
        {stacks.map((segments, place) => (
          <g key={place}>
            {segments.map((segment) => {
              const of = series[segment.series];
              if (of === undefined) return null;
              return (
                <rect
                  key={of.id}
                  class={picked !== null && picked !== of.id ? "faded" : ""}
                  x={middle(place) - bar / 2}
                  width={bar}
                  y={y(segment.to)}
                  height={Math.max(0, y(segment.from) - y(segment.to))}
                  style={{ fill: getColour(of.colour) }}
                >
                  <title>{`${placeName} ${places[place]}, ${of.label}: ${format(segment.to - segment.from)}`}</title>
                </rect>
              );
            })}
          </g>
        ))}
      </svg>
    );
  }

  return (
    <Figure
      caption={caption}
      table={<StackedTable {...{ caption, placeName, places, series, values, format }} />}
      legend={<Legend series={series} picked={picked} pick={setPicked} />}
    >
      {draw}
    </Figure>
  );
}

interface LegendProps {
  series: readonly Series[];
  picked: string | null;
  pick: (id: string | null) => void;
}

function Legend({ series, picked, pick }: LegendProps) {
  return (
    <ul class="legend" aria-label="Pick out one series">
      {series.map(({ id, label, colour }) => (
        <li key={id}>
          <button type="button" aria-pressed={picked === id} onClick={() => pick(picked === id ? null : id)}>
            <span class="swatch" style={{ background: getColour(colour) }} /> {label}
          </button>
        </li>
      ))}
    </ul>
  );
}
