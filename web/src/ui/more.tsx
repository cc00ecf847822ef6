import type { Paged } from "../api/paged";

/** The button below a list that goes on. */
export function More<T>({ list }: { list: Paged<T> }) {
  if (list.more === null) return null;
  return (
    <p class="more">
      <button type="button" onClick={list.more} disabled={list.loading}>
        {list.loading ? "Loading …" : "Show more"}
      </button>
    </p>
  );
}
