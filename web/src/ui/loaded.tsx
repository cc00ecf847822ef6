/** The four states of anything asked for: loading, failed, stale, there. */

import type { ComponentChildren } from "preact";

import type { ApiError } from "../api/client";
import type { Answer } from "../api/use";
import { titleCase } from "../format/words";

interface Props<T> {
  answer: Answer<T>;
  /** What is loading, in words. */
  what: string;
  children: (data: T) => ComponentChildren;
}

export function Loaded<T>({ answer, what, children }: Props<T>) {
  if (answer.data === null) {
    if (answer.error !== null) return <Failure error={answer.error} retry={answer.reload} />;
    return <Loading what={what} />;
  }
  return (
    <>
      {answer.error !== null && <Stale error={answer.error} retry={answer.reload} />}
      {children(answer.data)}
    </>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="bar" aria-hidden="true" />
      Loading {what} …
    </div>
  );
}

/** An error in the backend's own words. */
export function Failure({ error, retry }: { error: ApiError; retry: () => void }) {
  const fields = error.problem?.errors ?? [];
  const kind = error.problem?.type.startsWith("urn:steelyard:error:")
    ? titleCase(error.problem.type.slice("urn:steelyard:error:".length))
    : (error.problem?.title ?? "No answer");
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{kind}.</strong> {error.message}
        {error.status > 0 && <span class="muted"> (HTTP {error.status})</span>}
      </p>
      {fields.length > 0 && (
        <ul>
          {fields.map((field) => (
            <li key={field.location.join(".")}>
              <code>{field.location.slice(1).join(".")}</code>: {field.message}
            </li>
          ))}
        </ul>
      )}
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

function Stale({ error, retry }: { error: ApiError; retry: () => void }) {
  return (
    <p class="notice" role="status">
      These figures may be out of date: {error.message}{" "}
      <button type="button" onClick={retry}>
        Try again
      </button>
    </p>
  );
}

/** Where a list has nothing. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
