/** Stacks: for each place the values of all series on top of each other. */

export interface Segment {
  series: number;
  from: number;
  to: number;
}

/** Values by place and series → segments by place. Series without a value have none. */
export function computeStacks(values: readonly (readonly number[])[]): Segment[][] {
  return values.map((column) => {
    const segments: Segment[] = [];
    let top = 0;
    column.forEach((value, series) => {
      if (value <= 0) return;
      segments.push({ series, from: top, to: top + value });
      top += value;
    });
    return segments;
  });
}

export function computeHeight(segments: readonly Segment[]): number {
  return segments.at(-1)?.to ?? 0;
}
