import type { ComponentChildren } from "preact";

export interface Column<T> {
  head: ComponentChildren;
  cell: (row: T, index: number) => ComponentChildren;
  /** Right-aligned figures. */
  number?: boolean;
  /** The cell that names the row. */
  heading?: boolean;
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  id: (row: T, index: number) => string | number;
  rowClass?: (row: T) => string;
  /** Whether the caption is for screen readers alone, because a heading says the same. */
  quiet?: boolean;
}

/** A table that scrolls by itself where it is wider than the page. */
export function Table<T>({ caption, columns, rows, id, rowClass, quiet = true }: Props<T>) {
  return (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class={quiet ? "offscreen" : ""}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col" class={column.number ? "number" : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={id(row, index)} class={rowClass?.(row) ?? ""}>
              {columns.map((column, place) =>
                column.heading ? (
                  <th key={place} scope="row" class={column.number ? "number" : ""}>
                    {column.cell(row, index)}
                  </th>
                ) : (
                  <td key={place} class={column.number ? "number" : ""}>
                    {column.cell(row, index)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
