import { describe } from "../format/words";

const TONES: Record<string, "good" | "busy" | "bad" | "quiet"> = {
  enrolling: "busy",
  running: "busy",
  collecting: "busy",
  weighing: "busy",
  attesting: "busy",
  decided: "busy",
  completed: "good",
  final: "good",
  failed: "bad",
  missed: "bad",
  void: "bad",
  struck: "bad",
};

/** A state in words. Its colour says nothing that the words do not. */
export function Badge({ state }: { state: string }) {
  return <span class={`badge ${TONES[state] ?? "quiet"}`}>{describe(state)}</span>;
}
