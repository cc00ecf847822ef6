import { useDeployment } from "../../api/deployment";
import { navigate } from "../../router";
import { describe } from "../../format/words";
import { type Filters, NAMES, STATES, writeFilters } from "./filters";

const FINE = NAMES.filter((name) => name !== "q" && name !== "state");

/** Search and filters. They live in the address, so that a list can be kept and passed on. */
export function FilterForm({ filters }: { filters: Filters }) {
  const fine = FINE.filter((name) => filters[name] !== undefined).length;

  function submit(event: SubmitEvent) {
    event.preventDefault();
    if (event.currentTarget instanceof HTMLFormElement) go(event.currentTarget);
  }
  function go(form: HTMLFormElement) {
    const chosen: Filters = {};
    for (const [name, value] of new FormData(form)) {
      const known = NAMES.find((each) => each === name);
      if (known !== undefined && typeof value === "string" && value.trim() !== "") chosen[known] = value.trim();
    }
    navigate(writeFilters(chosen));
  }

  return (
    <form class="filters" role="search" aria-label="Projects" onSubmit={submit} key={writeFilters(filters)}>
      <div class="row">
        <label class="grow">
          Search
          <input
            type="search"
            name="q"
            defaultValue={filters.q ?? ""}
            placeholder="Title, id, owner, specification or rule"
            maxLength={120}
          />
        </label>
        <label>
          State
          <select
            name="state"
            defaultValue={filters.state ?? ""}
            onChange={(event) => event.currentTarget.form !== null && go(event.currentTarget.form)}
          >
            <option value="">any</option>
            {STATES.map((state) => (
              <option key={state} value={state} selected={filters.state === state}>
                {describe(state).toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Search
        </button>
      </div>
      <details open={fine > 0}>
        <summary>More filters{fine > 0 && ` (${fine} set)`}</summary>
        <div class="row">
          <Field name="token" label="Token" hint="address" filters={filters} list="known-tokens" />
          <KnownTokens />
          <Field name="owner" label="Owner" hint="address" filters={filters} />
          <Field name="trainer" label="Trainer" hint="address" filters={filters} />
          <Field name="min_stake" label="Stake from" hint="tokens" filters={filters} number />
          <Field name="max_stake" label="Stake up to" hint="tokens" filters={filters} number />
          <Field name="min_dimension" label="Parameters from" filters={filters} number />
          <Field name="max_dimension" label="Parameters up to" filters={filters} number />
        </div>
      </details>
    </form>
  );
}

/** Tokens that are in use here, to choose from. */
function KnownTokens() {
  const tokens = useDeployment()?.tokens ?? [];
  return (
    <datalist id="known-tokens">
      {tokens.map(({ address, symbol }) => (
        <option key={address} value={address} label={symbol ?? address} />
      ))}
    </datalist>
  );
}

interface FieldProps {
  name: (typeof NAMES)[number];
  label: string;
  filters: Filters;
  hint?: string;
  number?: boolean;
  list?: string;
}

function Field({ name, label, filters, hint = "", number = false, list }: FieldProps) {
  return (
    <label>
      {label}
      <input
        name={name}
        defaultValue={filters[name] ?? ""}
        placeholder={hint}
        inputMode={number ? "decimal" : "text"}
        autoComplete="off"
        spellcheck={false}
        {...(list === undefined ? {} : { type: "text", list })}
      />
    </label>
  );
}
