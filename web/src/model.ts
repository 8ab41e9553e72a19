// What the centre tells the page, after it has been read once (decode.ts). Frozen in spirit: nothing here is changed
// in place. Words and units are those of the wire (docs/wire.md).

export const HAZARDS = [
  "rooftop-violation",
  "flooding",
  "fire-hotspot",
  "flame-smoke",
  "blocked-fire-lane",
  "perimeter-intrusion",
  "falling-object",
  "smoke-alarm",
  "charging-pile",
] as const;
export type Hazard = (typeof HAZARDS)[number];

export const CASE_STATES = ["found", "assigned", "handled", "fed_back", "checked", "closed"] as const;
export type CaseState = (typeof CASE_STATES)[number];

export type Language = "zh-CN" | "en";

/** What people call a thing, in both languages. */
export interface Name {
  readonly zh: string;
  readonly en: string;
}

export interface Named {
  readonly id: string;
  readonly name: Name;
}

/** WGS 84, degrees; accuracy is the radius in metres that holds the truth in 95 % of cases. */
export interface Position {
  readonly lat_deg: number;
  readonly lon_deg: number;
  readonly accuracy_m: number;
}

/** A rectangle in a picture of width_px × height_px. */
export interface Region {
  readonly x_min_px: number;
  readonly y_min_px: number;
  readonly x_max_px: number;
  readonly y_max_px: number;
  readonly width_px: number;
  readonly height_px: number;
}

/** Moments are milliseconds since 1970, UTC. */
export interface Explanation {
  readonly rule: string;
  readonly zone: string;
  readonly label: string;
  readonly first_seen_at: number;
  readonly last_seen_at: number;
  readonly dwell_s: number;
  readonly needed_dwell_s: number;
  readonly looks: number;
  readonly votes: number;
  readonly needed_share: number;
  readonly confidence: number;
  readonly threshold: number;
}

export interface Model {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

export interface Evidence {
  readonly sha256: string;
  readonly media_type: string;
  readonly role: "frame" | "marked" | "clip";
  readonly taken_at: number;
  readonly size_bytes: number | null;
  readonly blurred: boolean | null;
  readonly state: "waiting" | "stored" | "lost";
  readonly lost_reason: "missing" | "altered" | "refused" | null;
  readonly lost_detail: string;
  readonly url: string | null;
}

/** A sensor, and the room or unit to which somebody is sent; empty where the configuration names none. */
export interface SensorNamed extends Named {
  readonly room: string;
}

export interface Alert {
  readonly alert_id: string;
  /** One fire may be seen as flame by one camera and measured as heat by another. */
  readonly hazard: Hazard | null;
  readonly box: string;
  readonly camera: string;
  readonly raised_at: number;
  readonly received_at: number | null;
  readonly ended_at: number | null;
  readonly late: boolean;
  readonly region: Region | null;
  readonly explanation: Explanation | null;
  readonly model: Model | null;
  readonly measurement: Readonly<Record<string, number>>;
  readonly evidence: readonly string[];
}

export interface Incident {
  readonly incident_id: string;
  readonly case_number: string;
  readonly case_state: CaseState;
  readonly hazard: Hazard;
  readonly active: boolean;
  readonly position: Position | null;
  readonly cell: string | null;
  readonly unit: Named | null;
  readonly first_seen_at: number;
  readonly last_seen_at: number;
  /** When the case was opened at the centre; deadlines count from then. A late report was seen long before. */
  readonly found_at: number;
  readonly ended_at: number | null;
  readonly due_at: number | null;
  readonly late: boolean;
  readonly drill: boolean;
  readonly alert_count: number;
  readonly box: string;
  readonly camera: Named;
  /** The sensor that told it; null: a camera saw it. */
  readonly sensor: SensorNamed | null;
  readonly place: string;
  readonly region: Region | null;
  readonly explanation: Explanation | null;
  readonly model: Model | null;
  readonly measurement: Readonly<Record<string, number>>;
  readonly thumbnail: string | null;
  readonly evidence: readonly Evidence[];
  /** Only known after the incident itself was asked for. */
  readonly alerts: readonly Alert[] | null;
}

export interface CameraWatch {
  readonly camera: string;
  readonly name: Name | null;
  readonly state: "starting" | "watching" | "lost" | "ended";
  readonly since: number;
  readonly last_frame_at: number | null;
  readonly looks: number;
  readonly unwatched_s: number;
  readonly detail: string;
}

export type SensorState = "waiting" | "heard" | "alarm" | "silent" | "refused";

export interface SensorWatch {
  readonly sensor: string;
  readonly name: Name | null;
  readonly room: string;
  readonly state: SensorState;
  readonly last_heard_at: number | null;
  readonly messages: number;
  readonly unreadable: number;
  readonly detail: string;
}

export interface Box {
  readonly box: string;
  readonly name: Name | null;
  /** False: it speaks, but the centre's configuration does not name it. */
  readonly configured: boolean;
  /** "stale": it says online, but its sign of life is overdue; "never": it has not been heard of. */
  readonly state: "online" | "stale" | "offline" | "never";
  readonly session: number | null;
  readonly software: string;
  readonly heard_at: number | null;
  readonly cameras: readonly CameraWatch[];
  readonly sensors: readonly SensorWatch[];
  readonly outbox_waiting: number;
  readonly outbox_refused: number;
  readonly evidence_waiting: number;
}

export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly reason: Name;
  /** When it last came, and how often it did. */
  readonly received_at: number;
  readonly times: number;
  readonly size_bytes: number | null;
  readonly excerpt: string;
}

/** Whether the centre can do its work. Latencies are from the frame to the stored alert, over the newest alerts. */
export interface Health {
  readonly database: boolean;
  readonly broker: boolean;
  readonly software: string;
  readonly dead_letters: number | null;
  readonly latency_p50_s: number | null;
  readonly latency_p95_s: number | null;
}

export type FeatureKind = "boundary" | "cell" | "building" | "road" | "fire_lane" | "ponding_point" | "camera";

/** A piece of the map; rings, lines and points as [longitude, latitude]. */
export interface Feature {
  readonly kind: FeatureKind;
  readonly id: string;
  readonly name: Name | null;
  readonly shape: "polygon" | "line" | "point";
  readonly points: readonly (readonly [number, number])[];
  readonly width_m: number | null;
  readonly yaw_deg: number | null;
  readonly hfov_deg: number | null;
}

export interface District {
  readonly id: string;
  readonly name: Name;
  readonly timezone: string;
  readonly drill: boolean;
  readonly features: readonly Feature[];
}

/** Still to be dealt with. */
export function isOpen(incident: Incident): boolean {
  return incident.case_state !== "closed";
}

/** Its deadline still counts: nobody has reported it as handled yet. */
export function isPending(incident: Incident): boolean {
  return incident.case_state === "found" || incident.case_state === "assigned";
}
