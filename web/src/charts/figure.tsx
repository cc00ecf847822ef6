import type { ComponentChildren } from "preact";

import { useWidth } from "./width";

interface Props {
  caption: string;
  /** The same figures as text. */
  table: ComponentChildren;
  legend?: ComponentChildren;
  children: (width: number) => ComponentChildren;
}

/** A plot as wide as there is room, with its figures as a table for those who want or need them. */
export function Figure({ caption, table, legend, children }: Props) {
  const [frame, width] = useWidth<HTMLDivElement>();
  return (
    <figure>
      <figcaption>{caption}</figcaption>
      <div class="plot" ref={frame}>
        {width > 0 && children(width)}
      </div>
      {legend}
      <details class="figures-table">
        <summary>The figures as a table</summary>
        {table}
      </details>
    </figure>
  );
}
