import { useEffect } from "preact/hooks";

/** The document's title while a component is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Steelyard`;
  }, [title]);
}

/** The heading of a page whose subject is still being asked for, or cannot be had. */
export function Untitled({ name }: { name: string }) {
  useTitle(name);
  return <h1>{name}</h1>;
}
