import type { ComponentChildren } from "preact";

/** Names and values, as a list of definitions. Entries without a value are left out. */
export function Facts({ of, wide = false }: { of: [string, ComponentChildren][]; wide?: boolean }) {
  return (
    <dl class={wide ? "facts wide" : "facts"}>
      {of
        .filter(([, value]) => value !== null && value !== undefined && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Few figures that matter most, large. */
export function Figures({ of }: { of: [string, ComponentChildren, ComponentChildren?][] }) {
  return (
    <dl class="figures">
      {of.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {note !== undefined && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
