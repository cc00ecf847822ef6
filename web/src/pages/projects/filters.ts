/** The filters of the project list, as the address bar has them and as the API takes them. */

import type { Query } from "../../api/client";
import { fromDecimal } from "../../format/amount";

export const STATES = ["enrolling", "running", "completed", "cancelled", "failed"] as const;

/** Stakes are typed in tokens of so many decimals where no token was chosen. */
export const USUAL_DECIMALS = 18;

export const NAMES = [
  "q",
  "state",
  "token",
  "min_stake",
  "max_stake",
  "min_dimension",
  "max_dimension",
  "trainer",
  "owner",
] as const;

export type Filters = Partial<Record<(typeof NAMES)[number], string>>;

export function readFilters(search: string): Filters {
  const given = new URLSearchParams(search);
  const filters: Filters = {};
  for (const name of NAMES) {
    const value = given.get(name)?.trim() ?? "";
    if (value !== "") filters[name] = value;
  }
  return filters;
}

export function writeFilters(filters: Filters): string {
  const text = new URLSearchParams(filters as Record<string, string>).toString();
  return text === "" ? "/" : `/?${text}`;
}

/** What the API is asked. Stakes that are no numbers are sent as they are, so that it says what is wrong. */
export function toQuery(filters: Filters, decimals: number | null): Query {
  const query: Query = { ...filters, limit: 20 };
  for (const name of ["min_stake", "max_stake"] as const) {
    const typed = filters[name];
    if (typed !== undefined) query[name] = fromDecimal(typed, decimals ?? USUAL_DECIMALS)?.toString() ?? typed;
  }
  return query;
}
