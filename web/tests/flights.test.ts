// Proves what the page makes of poses and flights: what is in the air, since when, and how far that can be believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FLIGHTS_SHOWN } from "../src/api.ts";
import { freshness, presenceOf, readDrone, readFlight, readPose, readStation, skyOf, withFlights, withPoses, type Flight, type Pose } from "../src/flights.ts";
import { CATALOGUE } from "../src/messages/catalogue.ts";
import { Unreadable } from "../src/read.ts";
import { after, START } from "../src/state.ts";

const T0 = Date.UTC(2026, 6, 2, 19, 0);
const iso = (at: number): string => new Date(at).toISOString();
const never = (): boolean => false;

const POSE = {
  station: "dock",
  drone: { id: "falcon", name: { zh: "一号机", en: "Falcon" } },
  flight_id: "flight-1",
  at: iso(T0),
  heard_at: iso(T0),
  position: { lat_deg: 22.5433, lon_deg: 114.0585, accuracy_m: 3 },
  height_m: 40,
  yaw_deg: 90,
  pitch_deg: -60,
  speed_ms: 8,
  battery: 0.7,
  link_loss: 0.01,
  drill: true,
};
const pose = (s: number, changes: Readonly<Record<string, unknown>> = {}): Pose =>
  readPose({ ...POSE, at: iso(T0 + s * 1000), heard_at: iso(T0 + s * 1000), ...changes }, "pose");

const FLIGHT = {
  flight_id: "flight-1",
  station: "dock",
  station_state: "online",
  drone: POSE.drone,
  patrol: null,
  request_id: "request-1",
  request: null,
  phase: "flying",
  phase_at: iso(T0),
  reasons: [],
  begun_at: iso(T0),
  ended_at: null,
  in_air: true,
  seen: [],
  photographs: 0,
  drill: true,
  phases: [{ phase: "flying", at: iso(T0), reasons: [] }],
};
const flight = (changes: Readonly<Record<string, unknown>> = {}): Flight => readFlight({ ...FLIGHT, ...changes }, "flight");

test("a pose moves its drone and lengthens its track; an older one does neither", () => {
  let drones = withPoses(new Map(), [pose(0), pose(1), pose(2)], never);
  assert.equal(drones.get("dock/falcon")?.at, T0 + 2000);
  assert.deepEqual(drones.get("dock/falcon")?.track.map((point) => point.at), [T0, T0 + 2000]);
  drones = withPoses(drones, [pose(1, { height_m: 99 })], never);
  assert.equal(drones.get("dock/falcon")?.height_m, 40);
});

test("a track is of one flight and of the last five minutes", () => {
  const long = Array.from({ length: 900 }, (_, second) => pose(second));
  const drones = withPoses(new Map(), long, never);
  const track = drones.get("dock/falcon")?.track ?? [];
  assert.ok(track.length > 140 && track.length <= 151, String(track.length));
  assert.ok(track[0]!.at >= T0 + 898_000 - 300_000);
  const next = withPoses(drones, [pose(901, { flight_id: "flight-2" })], never);
  assert.equal(next.get("dock/falcon")?.track.length, 1);
});

test("a flight that is over takes its drone out of the air, and a straggling pose does not bring it back", () => {
  let state = after(START, { type: "poses", poses: [pose(0)] });
  assert.equal(state.drones.size, 1);
  const landed = flight({ phase: "landed", ended_at: iso(T0 + 5000), in_air: false });
  state = after(state, { type: "flight", flights: [landed] });
  assert.equal(state.drones.size, 0);
  state = after(state, { type: "poses", poses: [pose(6)] });
  assert.equal(state.drones.size, 0);
  state = after(state, { type: "poses", poses: [pose(7, { flight_id: "flight-2" })] });
  assert.equal(state.drones.size, 1);
});

test("a snapshot does not set a drone back that has moved meanwhile", () => {
  let state = after(START, { type: "poses", poses: [pose(5)] });
  state = after(state, { type: "drones", page: { items: [readDrone({ ...POSE, track: [] }, "drone")], faults: [] } });
  assert.equal(state.drones.get("dock/falcon")?.at, T0 + 5000);
  state = after(state, { type: "drones", page: { items: [], faults: [] } });
  assert.equal(state.drones.size, 0);
});

test("flights stand newest first, each once, and no more than are asked for", () => {
  const many = Array.from({ length: FLIGHTS_SHOWN + 5 }, (_, n) => flight({ flight_id: `f-${n}`, begun_at: iso(T0 + n * 1000) }));
  const kept = withFlights(many.slice(0, 10), many, FLIGHTS_SHOWN);
  assert.equal(kept.length, FLIGHTS_SHOWN);
  assert.equal(kept[0]?.flight_id, `f-${FLIGHTS_SHOWN + 4}`);
  const changed = withFlights(kept, [flight({ ...FLIGHT, flight_id: kept[3]!.flight_id, phase: "aborted", begun_at: iso(kept[3]!.begun_at) })], FLIGHTS_SHOWN);
  assert.equal(changed[3]?.phase, "aborted");
});

test("a pose is believed for some seconds, a station for 35", () => {
  assert.equal(freshness(T0, T0 + 3000), "fresh");
  assert.equal(freshness(T0, T0 + 10_000), "old");
  assert.equal(freshness(T0, T0 + 90_000), "lost");
  const station = readStation({ station: "dock", state: "online", session: 1, software: "", heard_at: iso(T0), waiting: 0, drones: [] }, "s");
  assert.equal(presenceOf(station, T0 + 30_000), "online");
  assert.equal(presenceOf(station, T0 + 40_000), "stale");
  const drones = withPoses(new Map(), [pose(0)], never);
  assert.deepEqual(skyOf([station], drones, T0 + 1000), { airborne: 1, stationsOnline: 1, stations: 1, trouble: false });
  assert.equal(skyOf([station], drones, T0 + 61_000).trouble, true);
});

test("a phase of a newer centre is named as unreadable instead of being shown as something else", () => {
  assert.throws(() => flight({ phase: "teleporting" }), Unreadable);
  for (const m of Object.values(CATALOGUE)) for (const word of Object.values(m.phase)) assert.ok(word);
});
