// Times that keep themselves up to date, so that only they are drawn again each second.

import { centerNow, useNow } from "../clock.ts";
import { isPending, type Incident } from "../model.ts";
import { agoText, clockText, deadlineText, momentText, urgencyOf, type Urgency } from "../text/time.ts";
import { Icon } from "./icons.tsx";
import { useScene } from "./scene.tsx";

/** How often a text about this moment can change, in seconds: hundreds of rows need not be drawn every second. */
function pace(at: number): number {
  return Math.abs(centerNow() - at) < 70_000 ? 1 : 10;
}

export function Ago({ at }: { at: number }) {
  const { m, zone } = useScene();
  const now = useNow(pace(at));
  return (
    <time dateTime={new Date(at).toISOString()} title={momentText(at, now, zone)}>
      {agoText(at, now, m)}
    </time>
  );
}

/** The district's clock time with how long ago that was. */
export function Moment({ at }: { at: number }) {
  const { m, zone } = useScene();
  const now = useNow(pace(at));
  return (
    <time dateTime={new Date(at).toISOString()}>
      {momentText(at, now, zone)} <span class="hint">{agoText(at, now, m)}</span>
    </time>
  );
}

export function Clock({ label }: { label: string }) {
  const { zone } = useScene();
  const now = useNow();
  return (
    <time class="clock" dateTime={new Date(now).toISOString()} title={label} aria-label={label}>
      {clockText(now, zone)}
    </time>
  );
}

export function useUrgency(incident: Incident, every_s = 1): Urgency {
  return urgencyOf(incident.found_at, incident.due_at, isPending(incident), useNow(every_s));
}

export function Deadline({ incident }: { incident: Incident }) {
  const { m } = useScene();
  const left_ms = Math.abs((incident.due_at ?? 0) - centerNow());
  const now = useNow(left_ms < 610_000 ? 1 : 5); // seconds are shown in the last ten minutes
  const urgency = urgencyOf(incident.found_at, incident.due_at, isPending(incident), now);
  return (
    <span class={`deadline ${urgency}`}>
      <Icon name={urgency === "over" ? "warning" : urgency === "done" ? "check" : "clock"} size={16} />
      {deadlineText(incident.due_at, urgency, now, m)}
    </span>
  );
}
