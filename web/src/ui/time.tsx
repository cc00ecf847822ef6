import { formatDeadline, formatTime, formatUtc } from "../format/time";
import { useNow } from "./clock";

/** A moment in the reader's zone; UTC is its title. */
export function Time({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={formatUtc(at)}>
      {formatTime(at)}
    </time>
  );
}

/** How long until a deadline, or since. */
export function Deadline({ at }: { at: number }) {
  const now = useNow();
  return (
    <time class="countdown" dateTime={new Date(at * 1000).toISOString()} title={`${formatTime(at)} (${formatUtc(at)})`}>
      {formatDeadline(at, now)}
    </time>
  );
}
