import { formatCosine } from "../format/number";
import { Table } from "../ui/table";
import { getCosineColour } from "./colours";
import { Figure } from "./figure";

interface Props {
  caption: string;
  /** Names of the rows, in their order. */
  labels: readonly string[];
  cosines: readonly (readonly number[])[];
}

const LABEL_WIDTH = 116;
const MAX_CELL = 56;
const MIN_TEXT_CELL = 34;

/** How far every two updates point the same way. */
export function HeatMap({ caption, labels, cosines }: Props) {
  const n = labels.length;

  function draw(width: number) {
    const cell = Math.min(MAX_CELL, Math.floor((width - LABEL_WIDTH) / n));
    const size = cell * n;
    return (
      <svg
        width={LABEL_WIDTH + size}
        height={size + 20}
        role="img"
        aria-label={`${caption}. The table below has the figures.`}
        class="heat"
      >
        {labels.map((label, i) => (
          <g key={label}>
            <text x={LABEL_WIDTH - 8} y={20 + (i + 0.5) * cell} dy="0.32em" text-anchor="end">
              {`${label}  ${i}`}
            </text>
            <text x={LABEL_WIDTH + (i + 0.5) * cell} y={13} text-anchor="middle">
              {n > 16 && i % 5 !== 0 ? "" : i}
            </text>
            {labels.map((other, j) => (
              <Cell
                key={other}
                x={LABEL_WIDTH + j * cell}
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
          class={Math.abs(value) > 0.55 ? "on" : "off"}
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
