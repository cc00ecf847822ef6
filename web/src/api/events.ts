/** The backend's event stream. It resumes by itself, and says when the chain took something back. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { ChainEvent } from "./schema";

/** The marketplace's events that concern a project. */
export const EVENTS = [
  "ProjectCreated",
  "ProjectStarted",
  "ProjectEnded",
  "TrainerEnrolled",
  "TrainerLeaving",
  "TrainerLeft",
  "RoundOpened",
  "UpdateSubmitted",
  "RootSubmitted",
  "RoundSettled",
  "RoundWeighed",
  "Attested",
  "RoundClosed",
  "StrikeRecorded",
  "AbsenceRecorded",
  "ReputationUpdated",
  "Credited",
  "KeysPublished",
  "AccessGranted",
  "AccessRevoked",
] as const;

const SETTLE_MS = 400;

/** `broken` mends itself, `refused` does not. */
export type StreamState = "connecting" | "live" | "broken" | "refused";

/** Calls `onChange` soon after events of a project arrive, once for events that come together. */
export function useProjectEvents(projectId: string, onChange: (events: ChainEvent[]) => void): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const latest = useRef(onChange);
  latest.current = onChange;

  useEffect(() => {
    const source = new EventSource(`/v1/events?project_id=${projectId}`);
    let waiting: ChainEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;

    function flush() {
      timer = null;
      const events = waiting;
      waiting = [];
      latest.current(events);
    }
    function receive(message: MessageEvent<string>) {
      const data = JSON.parse(message.data) as ChainEvent;
      if (message.type !== "rollback") waiting.push(data);
      timer ??= setTimeout(flush, SETTLE_MS);
    }
    for (const name of [...EVENTS, "rollback"]) source.addEventListener(name, receive);
    source.onopen = () => setState("live");
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? "refused" : "broken");
    return () => {
      if (timer !== null) clearTimeout(timer);
      source.close();
    };
  }, [projectId]);
  return state;
}
