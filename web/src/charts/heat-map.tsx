import { formatCosine } from "../format/number";
import { Table } from "../ui/table";
import { getCosineColour, getTone } from "./colours";
import { Figure } from "./figure";

interface Props {
  caption: string;
  /** Names of the rows, in their order. */
  labels: readonly string[];
  cosines: readonly (readonly number[])[];
}

const LABEL_WIDTH = 116;
const NUMBER_WIDTH = 26;
const MIN_CELL = 14;
const MAX_CELL = 56;
const MIN_TEXT_CELL = 34;

/** How far every two updates point the same way. */
export function HeatMap({ caption, labels, cosines }: Props) {
  const n = labels.length;

  function draw(width: number) {
    // Where there is no room for names, rows have numbers alone; the table has the names.
    const isNarrow = (width - LABEL_WIDTH) / n < MIN_CELL;
    const left = isNarrow ? NUMBER_WIDTH : LABEL_WIDTH;
    const cell = Math.min(MAX_CELL, Math.floor((width - left) / n));
    const size = cell * n;
    const isShown = (row: number) => cell >= MIN_CELL || row % 5 === 0;
    return (
      <svg
        width={left + size}
        height={size + 20}
        role="img"
        aria-label={`${caption}. The table below has the figures.`}
        class="heat"
      >
        {labels.map((label, i) => (
          <g key={label}>
            <text x={left - 8} y={20 + (i + 0.5) * cell} dy="0.32em" text-anchor="end">
              {isNarrow ? (isShown(i) ? i : "") : `${label}  ${i}`}
            </text>
            <text x={left + (i + 0.5) * cell} y={13} text-anchor="middle">
              {isShown(i) ? i : ""}
            </text>
            {labels.map((other, j) => (
              <Cell
                key={other}
                x={left + j * cell}
                y={20 + i * cell}
                size={cell}
                value={cosines[i]?.[j] ?? 0}
                title={`${label} and ${other}`}
              />
            ))}
          </g>
        ))}
      </svg>
    );
  }

  return (
    <Figure
      caption={caption}
      legend={<Key />}
      table={
        <Table
          caption={caption}
          rows={labels}
          id={(label) => label}
          columns={[
            { head: "Row", heading: true, cell: (label, index) => `${index} ${label}` },
            ...labels.map((_, j) => ({
              head: String(j),
              number: true,
              cell: (_label: string, i: number) => formatCosine(cosines[i]?.[j] ?? 0),
            })),
          ]}
        />
      }
    >
      {draw}
    </Figure>
  );
}

function Cell({ x, y, size, value, title }: { x: number; y: number; size: number; value: number; title: string }) {
  return (
    <g>
      <rect x={x + 0.5} y={y + 0.5} width={size - 1} height={size - 1} style={{ fill: getCosineColour(value) }}>
        <title>{`${title}: ${formatCosine(value)}`}</title>
      </rect>
      {size >= MIN_TEXT_CELL && (
        <text
          class={getTone(value)}
          x={x + size / 2}
          y={y + size / 2}
          dy="0.34em"
          text-anchor="middle"
        >
          {formatShort(value)}
        </text>
      )}
    </g>
  );
}

/** Two digits, and no sign of a zero. */
function formatShort(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== "0.00" ? `−${text}` : text;
}

function Key() {
  return (
    <p class="key" aria-hidden="true">
      −1 <span class="ramp" /> +1
    </p>
  );
}
