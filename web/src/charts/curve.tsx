import { Table } from "../ui/table";
import { Axes } from "./axes";
import { Figure } from "./figure";
import { drawLine, drawSteps } from "./path";
import { computeTicks, makeScale, thinOut } from "./scale";

export interface CurvePoint {
  label: string;
  value: number;
}

interface Props {
  caption: string;
  placeName: string;
  valueName: string;
  points: readonly CurvePoint[];
  domain: readonly [number, number];
  format: (value: number) => string;
  /** Whether a value holds until the next one. */
  steps?: boolean;
}

const HEIGHT = 200;
const MARGIN = { top: 12, right: 12, bottom: 24, left: 52 };

/** One value over an order of places. */
export function Curve({ caption, placeName, valueName, points, domain, format, steps = false }: Props) {
  const y = makeScale(domain, [HEIGHT - MARGIN.bottom, MARGIN.top]);

  function draw(width: number) {
    const x = makeScale([0, Math.max(0, points.length - 1)], [MARGIN.left + 8, width - MARGIN.right - 8]);
    const drawn = points.map(({ value }, place) => ({ x: x(place), y: y(value) }));
    const ticks = thinOut(points.length, Math.floor(width / 72)).map((place) => ({
      at: x(place),
      label: points[place]?.label ?? "",
    }));
    return (
      <svg width={width} height={HEIGHT} role="img" aria-label={`${caption}. The table below has the figures.`}>
        <Axes
          x={{ ticks }}
          y={{ scale: y, ticks: computeTicks(domain[0], domain[1], 4), format }}
          left={MARGIN.left}
          right={width - MARGIN.right}
          bottom={HEIGHT - MARGIN.bottom}
        />
        <path class="curve" d={steps ? drawSteps(drawn) : drawLine(drawn)} />
        {drawn.map((point, place) => (
          <circle key={place} class="dot" cx={point.x} cy={point.y} r={points.length > 60 ? 1.5 : 3.5}>
            <title>{`${placeName} ${points[place]?.label}: ${format(points[place]?.value ?? 0)}`}</title>
          </circle>
        ))}
      </svg>
    );
  }

  return (
    <Figure
      caption={caption}
      table={
        <Table
          caption={caption}
          rows={points}
          id={(_, index) => index}
          columns={[
            { head: placeName, heading: true, cell: (point) => point.label },
            { head: valueName, number: true, cell: (point) => format(point.value) },
          ]}
        />
      }
    >
      {draw}
    </Figure>
  );
}
