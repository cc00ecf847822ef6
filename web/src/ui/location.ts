/** The address bar as state. */

import { useEffect, useState } from "preact/hooks";

import { onNavigation, parseRoute, type Route } from "../router";

const read = () => ({ path: location.pathname, search: location.search });

export function useLocation(): { path: string; search: string } {
  const [where, setWhere] = useState(read);
  useEffect(() => onNavigation(() => setWhere(read())), []);
  return where;
}

export function useRoute(): Route {
  const { path, search } = useLocation();
  return parseRoute(path, search);
}
