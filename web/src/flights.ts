// Flights, drones and stations: what the centre tells of them, read once, and how news changes what is in the air. Pure.

import { readName, readNamed, readPosition } from "./decode.ts";
import type { Name, Named, Position } from "./model.ts";
import { field, flag, list, moment, number, object, oneOf, optional, text, type Json } from "./read.ts";

export const PHASES = [
  "launching",
  "flying",
  "taken-over",
  "link-lost",
  "link-back",
  "recalled",
  "landed",
  "returned",
  "aborted",
] as const;
export type Phase = (typeof PHASES)[number];
export const ANSWERS = ["waiting", "flying", "done", "refused", "given-up"] as const;
export type Answer = (typeof ANSWERS)[number];
export const DRONE_STATES = ["free", "charging", "flying", "silent", "unfit"] as const;
export type DroneState = (typeof DRONE_STATES)[number];
const PRESENCES = ["online", "stale", "offline", "never"] as const;
export type Presence = (typeof PRESENCES)[number];

/** One thing that was said of a flight. Moments are milliseconds since 1970, UTC. */
export interface PhaseSaid {
  readonly phase: Phase;
  readonly at: number;
  readonly reasons: readonly Name[];
}

/** What a station has made of a request for a flight. */
export interface FlightRequest {
  readonly request_id: string;
  readonly station: string;
  readonly state: Answer;
  readonly at: number;
  readonly reasons: readonly Name[];
  readonly drone: Named | null;
  readonly flight_id: string | null;
  readonly left: readonly Named[];
  readonly drill: boolean;
}

export interface Flight {
  readonly flight_id: string;
  readonly station: string;
  /** If the station is not online, the phase may no longer hold. */
  readonly station_state: Presence;
  readonly drone: Named;
  readonly patrol: Named | null;
  readonly request: FlightRequest | null;
  readonly phase: Phase;
  readonly phase_at: number;
  readonly reasons: readonly Name[];
  readonly begun_at: number;
  readonly ended_at: number | null;
  readonly in_air: boolean;
  readonly seen: readonly Named[];
  readonly photographs: number;
  readonly drill: boolean;
  readonly phases: readonly PhaseSaid[];
}

export interface TrackPoint {
  readonly at: number;
  readonly lat_deg: number;
  readonly lon_deg: number;
}

/** A drone in the air: where it was heard last. `heard_at` is the centre's clock. */
export interface Pose {
  readonly station: string;
  readonly drone: Named;
  readonly flight_id: string;
  readonly at: number;
  readonly heard_at: number;
  readonly position: Position;
  readonly height_m: number;
  readonly yaw_deg: number | null;
  readonly speed_ms: number | null;
  readonly battery: number | null;
  readonly link_loss: number;
}

export interface Drone extends Pose {
  readonly track: readonly TrackPoint[];
}

export interface StationDrone {
  readonly drone: Named;
  readonly state: DroneState;
  readonly battery: number | null;
}

export interface Station {
  readonly station: string;
  readonly state: Presence;
  readonly session: number | null;
  readonly software: string;
  readonly heard_at: number | null;
  readonly waiting: number;
  readonly drones: readonly StationDrone[];
}

function readReason(value: unknown, where: string): Name {
  return field(object(value, where), "text", where, readName);
}

function readPhaseSaid(value: unknown, where: string): PhaseSaid {
  const from = object(value, where);
  return {
    phase: field(from, "phase", where, oneOf(PHASES)),
    at: field(from, "at", where, moment),
    reasons: optional(from, "reasons", where, list(readReason), []),
  };
}

export function readRequest(value: unknown, where: string): FlightRequest {
  const from = object(value, where);
  return {
    request_id: field(from, "request_id", where, text),
    station: field(from, "station", where, text),
    state: field(from, "state", where, oneOf(ANSWERS)),
    at: field(from, "at", where, moment),
    reasons: optional(from, "reasons", where, list(readReason), []),
    drone: optional(from, "drone", where, readNamed, null),
    flight_id: optional(from, "flight_id", where, text, null),
    left: optional(from, "left", where, list(readNamed), []),
    drill: optional(from, "drill", where, flag, false),
  };
}

export function readFlight(value: unknown, where: string): Flight {
  const from = object(value, where);
  return {
    flight_id: field(from, "flight_id", where, text),
    station: field(from, "station", where, text),
    station_state: optional(from, "station_state", where, oneOf(PRESENCES), "never"),
    drone: field(from, "drone", where, readNamed),
    patrol: optional(from, "patrol", where, readNamed, null),
    request: optional(from, "request", where, readRequest, null),
    phase: field(from, "phase", where, oneOf(PHASES)),
    phase_at: field(from, "phase_at", where, moment),
    reasons: optional(from, "reasons", where, list(readReason), []),
    begun_at: field(from, "begun_at", where, moment),
    ended_at: optional(from, "ended_at", where, moment, null),
    in_air: field(from, "in_air", where, flag),
    seen: optional(from, "seen", where, list(readNamed), []),
    photographs: optional(from, "photographs", where, number, 0),
    drill: optional(from, "drill", where, flag, false),
    phases: optional(from, "phases", where, list(readPhaseSaid), []),
  };
}

function poseOf(from: Json, where: string): Pose {
  return {
    station: field(from, "station", where, text),
    drone: field(from, "drone", where, readNamed),
    flight_id: field(from, "flight_id", where, text),
    at: field(from, "at", where, moment),
    heard_at: field(from, "heard_at", where, moment),
    position: field(from, "position", where, readPosition),
    height_m: field(from, "height_m", where, number),
    yaw_deg: optional(from, "yaw_deg", where, number, null),
    speed_ms: optional(from, "speed_ms", where, number, null),
    battery: optional(from, "battery", where, number, null),
    link_loss: optional(from, "link_loss", where, number, 0),
  };
}

export function readPose(value: unknown, where: string): Pose {
  return poseOf(object(value, where), where);
}

function readTrackPoint(value: unknown, where: string): TrackPoint {
  const from = object(value, where);
  return {
    at: field(from, "at", where, moment),
    lat_deg: field(from, "lat_deg", where, number),
    lon_deg: field(from, "lon_deg", where, number),
  };
}

export function readDrone(value: unknown, where: string): Drone {
  const from = object(value, where);
  return { ...poseOf(from, where), track: optional(from, "track", where, list(readTrackPoint), []) };
}

function readStationDrone(value: unknown, where: string): StationDrone {
  const from = object(value, where);
  return {
    drone: field(from, "drone", where, readNamed),
    state: field(from, "state", where, oneOf(DRONE_STATES)),
    battery: optional(from, "battery", where, number, null),
  };
}

export function readStation(value: unknown, where: string): Station {
  const from = object(value, where);
  return {
    station: field(from, "station", where, text),
    state: field(from, "state", where, oneOf(PRESENCES)),
    session: optional(from, "session", where, number, null),
    software: optional(from, "software", where, text, ""),
    heard_at: optional(from, "heard_at", where, moment, null),
    waiting: optional(from, "waiting", where, number, 0),
    drones: optional(from, "drones", where, list(readStationDrone), []),
  };
}

// ---- what is in the air ----

export const TRACK_MS = 300_000;
const TRACK_EVERY_MS = 2000;
export const OLD_MS = 6000; // poses come each second: several were missed
export const LOST_MS = 60_000;

export type Drones = ReadonlyMap<string, Drone>;

export function keyOf(pose: Pose): string {
  return `${pose.station}/${pose.drone.id}`;
}

/** How much a drone's place can still be believed. */
export function freshness(heard_at: number, now: number): "fresh" | "old" | "lost" {
  const age_ms = now - heard_at;
  return age_ms > LOST_MS ? "lost" : age_ms > OLD_MS ? "old" : "fresh";
}

/** Poses that came, in their order; one that is older than what is known changes nothing. */
export function withPoses(drones: Drones, poses: readonly Pose[], ended: (flight_id: string) => boolean): Drones {
  const next = new Map(drones);
  for (const pose of poses) {
    const known = next.get(keyOf(pose));
    if (ended(pose.flight_id) || (known !== undefined && pose.at <= known.at)) continue;
    const before = known?.flight_id === pose.flight_id ? known.track : [];
    const newest = before.at(-1);
    const { lat_deg, lon_deg } = pose.position;
    const track =
      newest !== undefined && pose.at - newest.at < TRACK_EVERY_MS
        ? before
        : [...before.filter((point) => point.at >= pose.at - TRACK_MS), { at: pose.at, lat_deg, lon_deg }];
    next.set(keyOf(pose), { ...pose, track });
  }
  return next;
}

export function withoutFlights(drones: Drones, ended: (flight_id: string) => boolean): Drones {
  const kept = [...drones].filter(([, drone]) => !ended(drone.flight_id));
  return kept.length === drones.size ? drones : new Map(kept);
}

/** Flights with `changed` among them, newest first and no more than there may be. */
export function withFlights(flights: readonly Flight[], changed: readonly Flight[], most: number): Flight[] {
  const byId = new Map([...flights, ...changed].map((flight) => [flight.flight_id, flight]));
  return [...byId.values()].sort((a, b) => b.begun_at - a.begun_at || (a.flight_id < b.flight_id ? 1 : -1)).slice(0, most);
}

export interface Sky {
  readonly airborne: number;
  readonly stationsOnline: number;
  readonly stations: number;
  /** A station is not there, or a drone in the air has not been heard for long. */
  readonly trouble: boolean;
}

const STALE_MS = 35_000; // as at the centre: a sign of life comes every 10 s, three were missed

/** Whether a station is there; one that falls silent while the page is open goes stale here. */
export function presenceOf(station: Station, now: number): Presence {
  const overdue = station.heard_at !== null && now - station.heard_at > STALE_MS;
  return station.state === "online" && overdue ? "stale" : station.state;
}

/** Flying in one line. */
export function skyOf(stations: readonly Station[], drones: Drones, now: number): Sky {
  const states = stations.map((station) => presenceOf(station, now));
  const online = states.filter((state) => state === "online").length;
  const lost = [...drones.values()].some((drone) => freshness(drone.heard_at, now) === "lost");
  return {
    airborne: drones.size,
    stationsOnline: online,
    stations: stations.length,
    trouble: lost || states.some((state) => state === "stale" || state === "offline"),
  };
}
