import { useEffect } from "preact/hooks";

/** The document's title while a component is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "Steelyard" ? title : `${title} · Steelyard`;
  }, [title]);
}
