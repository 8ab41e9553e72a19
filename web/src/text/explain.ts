// Sentences built from what the box says about its decision. Pure.

import { named, type Messages } from "../messages/catalogue.ts";
import { HAZARDS, type Explanation, type Hazard, type Incident, type Language, type Model, type Position } from "../model.ts";
import { agoText, momentText, spanText } from "./time.ts";

/** A share as a whole percentage. */
export function percentText(share: number): string {
  return `${Math.round(share * 100)} %`.replace(" ", "\u202f");
}

/** What the model calls it, in the reader's language where we know it. */
export function labelText(label: string, m: Messages): string {
  return Object.hasOwn(m.label, label) ? (m.label[label] ?? label) : `“${label}”`;
}

/** A rule is called by the hazard it looks for; one of a newer box by its own name. */
export function ruleText(rule: string, m: Messages): string {
  const hazard = HAZARDS.find((each) => each === rule);
  return hazard === undefined ? rule : m.hazard[hazard];
}

/** First eight digits of a hash: enough to compare by eye. */
export function shortHash(sha256: string): string {
  return sha256.slice(0, 8);
}

/** Why the box believes it, sentence by sentence. */
export function explanationSentences(
  hazard: Hazard,
  explanation: Explanation | null,
  model: Model | null,
  m: Messages,
  fromSensor = false,
): string[] {
  if (explanation === null) return [m.why.none];
  const e = explanation;
  const rule = ruleText(e.rule, m);
  if (fromSensor) return [m.why.told(labelText(e.label, m), e.votes, spanText(e.dwell_s, m)), m.why.byRule(rule)];
  const pattern =
    hazard === "blocked-fire-lane" ? m.why.stands : hazard === "perimeter-intrusion" ? m.why.inside : m.why.seen;
  return [
    pattern(labelText(e.label, m), e.zone, spanText(e.dwell_s, m), spanText(e.needed_dwell_s, m)),
    m.why.votes(e.looks, e.votes, percentText(e.votes / e.looks), percentText(e.needed_share)),
    m.why.confidence(e.confidence.toFixed(2), e.threshold.toFixed(2)),
    model === null ? m.why.byRule(rule) : m.why.by(rule, `${model.name} ${model.version} (${shortHash(model.sha256)})`),
  ];
}

/** Six decimals are 0.1 m: more would only pretend. */
export function positionText(position: Position): string {
  return `${position.lat_deg.toFixed(6)}, ${position.lon_deg.toFixed(6)}`;
}

/** Metres with as many digits as they deserve. */
export function metresText(metres: number): string {
  return metres < 10 ? metres.toFixed(1) : Math.round(metres).toString();
}

const UNITS: readonly (readonly [string, string])[] = [
  ["_m2", "m²"],
  ["_px", "px"],
  ["_deg", "°"],
  ["_c", "°C"],
  ["_a", "A"],
  ["_s", "s"],
  ["_m", "m"],
];

/** `ground_distance_m: 12.34` → “ground distance”, “12.3 m”: the unit stands in the name of the measurement. */
export function measurementText(key: string, value: number, m: Messages): { name: string; value: string } {
  const unit = UNITS.find(([ending]) => key.endsWith(ending));
  const known = Object.hasOwn(m.measure, key) ? m.measure[key] : undefined;
  const name = known ?? (unit ? key.slice(0, -unit[0].length) : key).replaceAll("_", " ");
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return { name, value: `${value.toFixed(digits)}${unit ? `\u202f${unit[1]}` : ""}` };
}

/** What a dispatcher reads out or pastes into a message. */
export function summaryText(incident: Incident, now: number, zone: string, language: Language, m: Messages): string {
  const d = m.detail;
  const moment = (at: number): string => `${momentText(at, now, zone)} (${agoText(at, now, m)})`;
  const lines: string[] = incident.drill ? [m.summary.drill] : [];
  lines.push(`${m.hazard[incident.hazard]} · ${incident.case_number}`);
  lines.push(m.summary.line(d.camera, named(incident.camera.name, language)));
  if (incident.sensor) {
    const room = incident.sensor.room && ` · ${incident.sensor.room}`;
    lines.push(m.summary.line(d.sensor, `${named(incident.sensor.name, language)}${room}`));
  }
  if (incident.position) {
    const accuracy = d.accuracy(metresText(incident.position.accuracy_m));
    lines.push(m.summary.line(d.position, `${positionText(incident.position)}, ${accuracy}`));
  }
  lines.push(m.summary.line(d.unit, incident.unit ? named(incident.unit.name, language) : d.noUnit));
  lines.push(m.summary.line(d.firstSeen, moment(incident.first_seen_at)));
  if (incident.due_at !== null) lines.push(m.summary.line(d.deadline, momentText(incident.due_at, now, zone)));
  if (incident.ended_at !== null) lines.push(m.summary.line(d.endedAt, moment(incident.ended_at)));
  return lines.join("\n");
}
