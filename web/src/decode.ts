// From the API's JSON (docs: /openapi.json of the centre) to the page's types, once.

import {
  CASE_STATES,
  HAZARDS,
  type Alert,
  type Box,
  type CameraWatch,
  type DeadLetter,
  type District,
  type Evidence,
  type Explanation,
  type Feature,
  type FeatureKind,
  type Health,
  type Incident,
  type Model,
  type Name,
  type Named,
  type Position,
  type Region,
  type SensorNamed,
  type SensorWatch,
} from "./model.ts";
import { field, flag, list, moment, number, object, oneOf, optional, text, Unreadable, type Json } from "./read.ts";

const SENSOR_STATES = ["waiting", "heard", "alarm", "silent", "refused"] as const;
const LOST_REASONS = ["missing", "altered", "refused"] as const;

/** A name in both languages; a bare text counts for both. */
export function readName(value: unknown, where: string): Name {
  if (typeof value === "string") return { zh: value, en: value };
  const from = object(value, where);
  return { zh: field(from, "zh", where, text), en: field(from, "en", where, text) };
}

export function readNamed(value: unknown, where: string): Named {
  if (typeof value === "string") return { id: value, name: { zh: value, en: value } };
  const from = object(value, where);
  const id = field(from, "id", where, text);
  return { id, name: optional(from, "name", where, readName, { zh: id, en: id }) };
}

export function readPosition(value: unknown, where: string): Position {
  const from = object(value, where);
  return {
    lat_deg: field(from, "lat_deg", where, number),
    lon_deg: field(from, "lon_deg", where, number),
    accuracy_m: field(from, "accuracy_m", where, number),
  };
}

function readRegion(value: unknown, where: string): Region {
  const from = object(value, where);
  const width_px = field(from, "width_px", where, number);
  const height_px = field(from, "height_px", where, number);
  if (width_px <= 0 || height_px <= 0) throw new Unreadable(where, "a picture with a size");
  return {
    x_min_px: field(from, "x_min_px", where, number),
    y_min_px: field(from, "y_min_px", where, number),
    x_max_px: field(from, "x_max_px", where, number),
    y_max_px: field(from, "y_max_px", where, number),
    width_px,
    height_px,
  };
}

function readExplanation(value: unknown, where: string): Explanation {
  const from = object(value, where);
  return {
    rule: field(from, "rule", where, text),
    zone: field(from, "zone", where, text),
    label: field(from, "label", where, text),
    first_seen_at: field(from, "first_seen_at", where, moment),
    last_seen_at: field(from, "last_seen_at", where, moment),
    dwell_s: field(from, "dwell_s", where, number),
    needed_dwell_s: field(from, "needed_dwell_s", where, number),
    looks: field(from, "looks", where, number),
    votes: field(from, "votes", where, number),
    needed_share: field(from, "needed_share", where, number),
    confidence: field(from, "confidence", where, number),
    threshold: field(from, "threshold", where, number),
  };
}

function readModel(value: unknown, where: string): Model {
  const from = object(value, where);
  return {
    name: field(from, "name", where, text),
    version: field(from, "version", where, text),
    sha256: field(from, "sha256", where, text),
  };
}

function readMeasurement(value: unknown, where: string): Record<string, number> {
  const from = object(value, where);
  return Object.fromEntries(Object.keys(from).map((key) => [key, field(from, key, where, number)]));
}

function readEvidence(value: unknown, where: string): Evidence {
  const from = object(value, where);
  return {
    sha256: field(from, "sha256", where, text),
    media_type: field(from, "media_type", where, text),
    role: field(from, "role", where, oneOf(["frame", "marked", "clip"])),
    taken_at: field(from, "taken_at", where, moment),
    size_bytes: optional(from, "size_bytes", where, number, null),
    blurred: optional(from, "blurred", where, flag, null),
    state: field(from, "state", where, oneOf(["waiting", "stored", "lost"])),
    lost_reason: optional(from, "lost_reason", where, oneOf(LOST_REASONS), null),
    lost_detail: optional(from, "lost_detail", where, text, ""),
    url: optional(from, "url", where, text, null),
  };
}

function readSensorNamed(value: unknown, where: string): SensorNamed {
  return { ...readNamed(value, where), room: optional(object(value, where), "room", where, text, "") };
}

function readAlert(value: unknown, where: string): Alert {
  const from = object(value, where);
  return {
    alert_id: field(from, "alert_id", where, text),
    hazard: optional(from, "hazard", where, oneOf(HAZARDS), null),
    box: field(from, "box", where, text),
    camera: field(from, "camera", where, (camera, at) => readNamed(camera, at).id),
    raised_at: field(from, "raised_at", where, moment),
    received_at: optional(from, "received_at", where, moment, null),
    ended_at: optional(from, "ended_at", where, moment, null),
    late: optional(from, "late", where, flag, false),
    region: optional(from, "region", where, readRegion, null),
    explanation: optional(from, "explanation", where, readExplanation, null),
    model: optional(from, "model", where, readModel, null),
    measurement: optional(from, "measurement", where, readMeasurement, {}),
    evidence: optional(from, "evidence", where, list(text), []),
  };
}

export function readIncident(value: unknown, where: string): Incident {
  const from = object(value, where);
  return {
    incident_id: field(from, "incident_id", where, text),
    case_number: field(from, "case_number", where, text),
    case_state: field(from, "case_state", where, oneOf(CASE_STATES)),
    hazard: field(from, "hazard", where, oneOf(HAZARDS)),
    active: field(from, "active", where, flag),
    position: optional(from, "position", where, readPosition, null),
    cell: optional(from, "cell", where, (cell, at) => readNamed(cell, at).id, null),
    unit: optional(from, "unit", where, readNamed, null),
    first_seen_at: field(from, "first_seen_at", where, moment),
    last_seen_at: field(from, "last_seen_at", where, moment),
    found_at: field(from, "found_at", where, moment),
    ended_at: optional(from, "ended_at", where, moment, null),
    due_at: optional(from, "due_at", where, moment, null),
    late: field(from, "late", where, flag),
    drill: field(from, "drill", where, flag),
    alert_count: field(from, "alert_count", where, number),
    box: field(from, "box", where, (box, at) => readNamed(box, at).id),
    camera: field(from, "camera", where, readNamed),
    sensor: optional(from, "sensor", where, readSensorNamed, null),
    place: field(from, "place", where, text),
    region: optional(from, "region", where, readRegion, null),
    explanation: optional(from, "explanation", where, readExplanation, null),
    model: optional(from, "model", where, readModel, null),
    measurement: optional(from, "measurement", where, readMeasurement, {}),
    thumbnail: optional(from, "thumbnail", where, readThumbnail, null),
    evidence: optional(from, "evidence", where, list(readEvidence), []),
    alerts: optional(from, "alerts", where, list(readAlert), null),
  };
}

function readThumbnail(value: unknown, where: string): string {
  const url = text(value, where);
  if (!url.startsWith("data:image/")) throw new Unreadable(where, "a picture as a data URL");
  return url;
}

function readCameraWatch(value: unknown, where: string): CameraWatch {
  const from = object(value, where);
  return {
    camera: field(from, "camera", where, text),
    name: optional(from, "name", where, readName, null),
    state: field(from, "state", where, oneOf(["starting", "watching", "lost", "ended"])),
    since: field(from, "since", where, moment),
    last_frame_at: optional(from, "last_frame_at", where, moment, null),
    looks: field(from, "looks", where, number),
    unwatched_s: field(from, "unwatched_s", where, number),
    detail: optional(from, "detail", where, text, ""),
  };
}

function readSensorWatch(value: unknown, where: string): SensorWatch {
  const from = object(value, where);
  return {
    sensor: field(from, "sensor", where, text),
    name: optional(from, "name", where, readName, null),
    room: optional(from, "room", where, text, ""),
    state: field(from, "state", where, oneOf(SENSOR_STATES)),
    last_heard_at: optional(from, "last_heard_at", where, moment, null),
    messages: optional(from, "messages", where, number, 0),
    unreadable: optional(from, "unreadable", where, number, 0),
    detail: optional(from, "detail", where, text, ""),
  };
}

export function readBox(value: unknown, where: string): Box {
  const from = object(value, where);
  return {
    box: field(from, "box", where, text),
    name: optional(from, "name", where, readName, null),
    configured: optional(from, "configured", where, flag, true),
    state: optional(from, "state", where, oneOf(["online", "stale", "offline", "never"]), "never"),
    session: optional(from, "session", where, number, null),
    software: optional(from, "software", where, text, ""),
    heard_at: optional(from, "heard_at", where, moment, null),
    cameras: optional(from, "cameras", where, list(readCameraWatch), []),
    sensors: optional(from, "sensors", where, list(readSensorWatch), []),
    outbox_waiting: optional(from, "outbox_waiting", where, number, 0),
    outbox_refused: optional(from, "outbox_refused", where, number, 0),
    evidence_waiting: optional(from, "evidence_waiting", where, number, 0),
  };
}

export function readDeadLetter(value: unknown, where: string): DeadLetter {
  const from = object(value, where);
  return {
    id: field(from, "id", where, (id, at) => (typeof id === "number" ? String(id) : text(id, at))),
    topic: field(from, "topic", where, text),
    reason: field(from, "reason", where, readName),
    received_at: field(from, "received_at", where, moment),
    times: optional(from, "times", where, number, 1),
    size_bytes: optional(from, "size_bytes", where, number, null),
    excerpt: optional(from, "excerpt", where, text, ""),
  };
}

export function readHealth(value: unknown, where: string): Health {
  const from = object(value, where);
  const database = field(from, "database", where, object);
  const broker = field(from, "broker", where, object);
  const latency = optional(from, "latency", where, object, {});
  const counts = optional(from, "counts", where, object, {});
  return {
    database: field(database, "reachable", where, flag),
    broker: field(broker, "connected", where, flag),
    software: optional(from, "software", where, text, ""),
    dead_letters: optional(counts, "dead_letters", where, number, null),
    latency_p50_s: optional(latency, "p50_s", where, number, null),
    latency_p95_s: optional(latency, "p95_s", where, number, null),
  };
}

const KINDS: readonly FeatureKind[] = ["boundary", "cell", "building", "road", "fire_lane", "ponding_point", "camera"];

function readPoint(value: unknown, where: string): readonly [number, number] {
  const [lon, lat] = list(number)(value, where);
  if (lon === undefined || lat === undefined) throw new Unreadable(where, "[longitude, latitude]");
  return [lon, lat];
}

function readShape(geometry: Json, where: string): Pick<Feature, "shape" | "points"> {
  const type = field(geometry, "type", where, oneOf(["Polygon", "LineString", "Point"]));
  if (type === "Point") return { shape: "point", points: [field(geometry, "coordinates", where, readPoint)] };
  if (type === "LineString") {
    return { shape: "line", points: field(geometry, "coordinates", where, list(readPoint)) };
  }
  const rings = field(geometry, "coordinates", where, list(list(readPoint)));
  return { shape: "polygon", points: rings[0] ?? [] };
}

function readFeature(value: unknown, where: string): Feature | null {
  const from = object(value, where);
  const about = field(from, "properties", where, object);
  const kind = KINDS.find((each) => each === about["kind"]);
  if (kind === undefined || from["geometry"] === null) return null; // a newer centre's kind, or a camera without a pose
  const id = optional(about, "id", where, text, "") || optional(from, "id", where, text, "");
  return {
    kind,
    id,
    name: optional(about, "name", where, readName, null),
    ...readShape(field(from, "geometry", where, object), where),
    width_m: optional(about, "width_m", where, number, null),
    yaw_deg: optional(about, "yaw_deg", where, number, null),
    hfov_deg: optional(about, "hfov_deg", where, number, null),
  };
}

export function readDistrict(value: unknown, where: string): District {
  const from = object(value, where);
  const id = field(from, "id", where, text);
  return {
    id,
    name: optional(from, "name", where, readName, { zh: id, en: id }),
    timezone: field(from, "timezone", where, text),
    drill: optional(from, "drill", where, flag, false),
    features: field(from, "features", where, list(readFeature)).filter((feature) => feature !== null),
  };
}
