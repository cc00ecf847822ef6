/** One field of the form, with its help and its fault. */

import type { Field } from "./fields";

interface Props {
  readonly field: Field;
  readonly value: string;
  readonly fault: string | undefined;
  readonly change: (value: string) => void;
  /** Called when the user goes on to another field. */
  readonly leave: () => void;
}

export function FieldInput({ field, value, fault, change, leave }: Props) {
  const id = `field-${field.name}`;
  const described = [`${id}-help`, ...(fault === undefined ? [] : [`${id}-fault`])].join(" ");
  const invalid = { "aria-describedby": described, "aria-invalid": fault !== undefined };
  const common = { id, name: field.name, onBlur: leave, ...invalid };
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      {field.kind === "choice" ? (
        <select {...common} value={value} onChange={(event) => change(event.currentTarget.value)}>
          {(field.choices ?? []).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : field.kind === "paragraph" ? (
        <textarea {...common} rows={3} value={value} onInput={(event) => change(event.currentTarget.value)} />
      ) : (
        <input
          {...common}
          value={value}
          spellcheck={false}
          autocomplete="off"
          inputMode={field.kind === "number" || field.kind === "amount" || field.kind === "percent" ? "decimal" : "text"}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
      <p id={`${id}-help`} class="hint">
        {field.help}
      </p>
      {fault !== undefined && (
        <p id={`${id}-fault`} class="fault" role="alert">
          {field.label} {fault}.
        </p>
      )}
    </div>
  );
}
