// Moments and spans as people read them. Pure: `now` and the district's time zone are arguments.
// Moments are milliseconds since 1970 (UTC), spans seconds.

import type { Messages } from "../messages/catalogue.ts";

const DAY_S = 86_400;

/** A span, at most two units, never finer than useful: 42 s · 3 min 20 s · 42 min · 2 h 5 min · 3 d 4 h. */
export function spanText(span_s: number, m: Messages): string {
  const whole_s = Math.max(0, Math.round(span_s));
  if (whole_s < 60) return m.time.seconds(whole_s);
  if (whole_s < 600) {
    const seconds = whole_s % 60;
    return seconds ? m.time.minutesSeconds(Math.floor(whole_s / 60), seconds) : m.time.minutes(whole_s / 60);
  }
  const minutes = Math.floor(whole_s / 60);
  if (minutes < 60) return m.time.minutes(minutes);
  if (whole_s < DAY_S) return m.time.hours(Math.floor(minutes / 60), minutes % 60);
  return m.time.days(Math.floor(whole_s / DAY_S), Math.floor((whole_s % DAY_S) / 3600));
}

/** How long ago, or in how long: one glance, so minutes from the first minute on. */
export function agoText(moment: number, now: number, m: Messages): string {
  const ago_s = Math.floor((now - moment) / 1000);
  if (ago_s < -5) return m.time.ahead(spanText(-ago_s, m));
  if (ago_s < 5) return m.time.now;
  if (ago_s < 60) return m.time.agoSeconds(ago_s);
  const minutes = Math.floor(ago_s / 60);
  if (minutes < 60) return m.time.agoMinutes(minutes);
  if (ago_s < DAY_S) return m.time.agoHours(Math.floor(minutes / 60), minutes < 600 ? minutes % 60 : 0);
  return m.time.agoDays(Math.floor(ago_s / DAY_S));
}

function parts(moment: number, zone: string): Record<string, string> {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(moment).map((part) => [part.type, part.value]));
}

/** 03:12:45 on the district's clocks. */
export function clockText(moment: number, zone: string): string {
  const at = parts(moment, zone);
  return `${at["hour"]}:${at["minute"]}:${at["second"]}`;
}

/** 2026-07-02 in the district. */
export function dateText(moment: number, zone: string): string {
  const at = parts(moment, zone);
  return `${at["year"]}-${at["month"]}-${at["day"]}`;
}

/** The clock alone on the same district day, with the date otherwise. */
export function momentText(moment: number, now: number, zone: string): string {
  const day = dateText(moment, zone);
  return day === dateText(now, zone) ? clockText(moment, zone) : `${day} ${clockText(moment, zone)}`;
}

export type Urgency = "none" | "calm" | "soon" | "over" | "done";

const SHORTEST_SOON_MS = 300_000; // five minutes: nobody gets anywhere faster
const LONGEST_SOON_MS = 1_800_000; // of a deadline of days (or a late report) half an hour is warning enough

/** How near a deadline is. "soon": the last quarter of the time given, within the bounds above. */
export function urgencyOf(found_at: number, due_at: number | null, pending: boolean, now: number): Urgency {
  if (!pending) return "done";
  if (due_at === null) return "none";
  if (now >= due_at) return "over";
  const soon_ms = Math.min(LONGEST_SOON_MS, Math.max(SHORTEST_SOON_MS, (due_at - found_at) / 4));
  return due_at - now <= soon_ms ? "soon" : "calm";
}

/** “42 min left”, “5 min overdue”, “dealt with”. */
export function deadlineText(due_at: number | null, urgency: Urgency, now: number, m: Messages): string {
  if (urgency === "done") return m.time.dealtWith;
  if (due_at === null) return m.time.noDeadline;
  const left_s = (due_at - now) / 1000;
  return left_s > 0 ? m.time.left(spanText(Math.ceil(left_s), m)) : m.time.over(spanText(Math.floor(-left_s), m));
}
