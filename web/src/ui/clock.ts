import { useEffect, useState } from "preact/hooks";

/** Unix seconds now, again every second while somebody looks. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now() / 1000);
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
