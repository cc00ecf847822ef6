import { Table } from "../ui/table";
import type { Series } from "./stacked";

interface Props {
  caption: string;
  placeName: string;
  places: readonly string[];
  series: readonly Series[];
  values: readonly (readonly number[])[];
  format: (value: number) => string;
}

/** What a stacked plot shows, as text: a row for each place. */
export function StackedTable({ caption, placeName, places, series, values, format }: Props) {
  return (
    <Table
      caption={caption}
      rows={places.map((name, place) => ({ name, values: values[place] ?? [] }))}
      id={(row) => row.name}
      columns={[
        { head: placeName, heading: true, cell: (row) => row.name },
        ...series.map(({ label }, index) => ({
          head: label,
          number: true,
          cell: (row: { values: readonly number[] }) => format(row.values[index] ?? 0),
        })),
      ]}
    />
  );
}
