/** Addresses of the page: real paths, which the backend answers with the page itself. */

export type Route =
  | { page: "projects" }
  | { page: "project"; id: string }
  | { page: "round"; id: string; round: number; attempt: number | null }
  | { page: "trainer"; address: string }
  | { page: "aggregators" }
  | { page: "aggregator"; address: string }
  | { page: "quote" }
  | { page: "create" }
  | { page: "missing" };

const ID = /^0x[0-9a-f]{64}$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const ROUND = /^[0-9]{1,5}$/;

/** The page that a path names. `search` is the query string, with or without its question mark. */
export function parseRoute(path: string, search: string): Route {
  const [head = "", ...rest] = path.split("/").filter((part) => part !== "");
  const [first = "", middle, last = ""] = rest;
  if (rest.length === 0) {
    if (head === "") return { page: "projects" };
    if (head === "aggregators" || head === "quote" || head === "create") return { page: head };
  }
  if (rest.length === 1) {
    if (head === "projects" && ID.test(first)) return { page: "project", id: first.toLowerCase() };
    if (head === "trainers" && ADDRESS.test(first)) return { page: "trainer", address: first };
    if (head === "aggregators" && ADDRESS.test(first)) return { page: "aggregator", address: first };
  }
  if (rest.length === 3 && head === "projects" && ID.test(first) && middle === "rounds" && ROUND.test(last)) {
    const attempt = new URLSearchParams(search).get("attempt");
    return {
      page: "round",
      id: first.toLowerCase(),
      round: Number(last),
      attempt: attempt !== null && /^[1-9][0-9]{0,8}$/.test(attempt) ? Number(attempt) : null,
    };
  }
  return { page: "missing" };
}

export const paths = {
  projects: () => "/",
  project: (id: string) => `/projects/${id}`,
  round: (id: string, round: number, attempt?: number) =>
    `/projects/${id}/rounds/${round}${attempt === undefined ? "" : `?attempt=${attempt}`}`,
  trainer: (address: string) => `/trainers/${address}`,
  aggregators: () => "/aggregators",
  aggregator: (address: string) => `/aggregators/${address}`,
  quote: () => "/quote",
  create: () => "/create",
};

/** Goes to a path of the page without loading it anew. */
export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** Calls `listener` whenever the address changes; returns how to stop that. */
export function onNavigation(listener: () => void): () => void {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
