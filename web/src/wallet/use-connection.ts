import { useEffect, useState } from "preact/hooks";

import { connection } from "./connection";
import type { State } from "./connection";

/** The page's connection as state. */
export function useConnection(): State {
  const [state, setState] = useState(connection.get);
  useEffect(() => {
    setState(connection.get());
    return connection.subscribe(() => setState(connection.get()));
  }, []);
  return state;
}
