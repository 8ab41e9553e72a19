// The centre's API, read once into the page's types. Every request has a deadline; every failure is a `Problem`.

import { readBox, readDeadLetter, readDistrict, readHealth, readIncident, readName } from "./decode.ts";
import { readDrone, readFlight, readRequest, readStation, type Drone, type Flight, type FlightRequest, type Station } from "./flights.ts";
import type { Box, DeadLetter, District, Health, Incident, Name } from "./model.ts";
import { field, object, readable, Unreadable, type Json } from "./read.ts";

export const PAGE_SIZE = 200; // open incidents of a bad night in a district fit; more come by “show older”
export const FLIGHTS_SHOWN = 50; // a day of a busy station
const DEADLINE_MS = 10_000; // a dispatcher waits no longer for an answer over a local network

export type Fault =
  | { readonly kind: "unreachable" }
  | { readonly kind: "timeout" }
  /** `said` is what the centre says about it, for people. */
  | { readonly kind: "refused"; readonly status: number; readonly said: Name | null }
  | { readonly kind: "unreadable"; readonly where: string };

export class Problem extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.kind);
    this.name = "Problem";
    this.fault = fault;
  }
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where records stand that could not be read. */
  readonly faults: readonly string[];
}

export interface Api {
  incidents(state: "open" | "all", before: Incident | null): Promise<Page<Incident>>;
  incident(id: string): Promise<Incident>;
  boxes(): Promise<Page<Box>>;
  deadLetters(): Promise<Page<DeadLetter>>;
  flights(): Promise<Page<Flight>>;
  flight(id: string): Promise<Flight>;
  drones(): Promise<Page<Drone>>;
  stations(): Promise<Page<Station>>;
  requests(): Promise<Page<FlightRequest>>;
  district(): Promise<District>;
  /** How the centre is; it tells that even when it cannot do its work. */
  health(): Promise<Health>;
}

/** The centre's own words about a refusal, if these are its words: a proxy in between answers as it likes. */
function reasonIn(body: string): Name | null {
  try {
    const error = field(object(JSON.parse(body), "body"), "error", "body", object);
    return field(error, "message", "error", readName);
  } catch {
    return null;
  }
}

/** `onServerTime` is told the centre's clock with each answer: deadlines must not depend on this machine's clock. */
export function createApi(root: string, onServerTime: (server: number, here: number) => void): Api {
  async function ask(path: string): Promise<{ status: number; body: string }> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), DEADLINE_MS);
    try {
      const response = await fetch(`${root}${path}`, {
        signal: abort.signal,
        headers: { Accept: "application/json" },
        cache: "no-cache",
      });
      const server = Date.parse(response.headers.get("Date") ?? "");
      if (!Number.isNaN(server)) onServerTime(server, Date.now());
      return { status: response.status, body: await response.text() };
    } catch {
      throw new Problem(abort.signal.aborted ? { kind: "timeout" } : { kind: "unreachable" });
    } finally {
      clearTimeout(timer);
    }
  }

  /** `fine` are error statuses that come with a full answer all the same. */
  async function get<T>(path: string, read: (body: Json) => T, fine: readonly number[] = []): Promise<T> {
    const { status, body } = await ask(path);
    if (status !== 200 && !fine.includes(status)) {
      throw new Problem({ kind: "refused", status, said: reasonIn(body) });
    }
    try {
      return read(object(JSON.parse(body), path));
    } catch (error) {
      if (error instanceof Unreadable) throw new Problem({ kind: "unreadable", where: error.message });
      if (error instanceof SyntaxError) throw new Problem({ kind: "unreadable", where: `${path}: JSON` });
      throw error;
    }
  }

  return {
    incidents: (state, before) => {
      const cursor = before === null ? "" : `&before=${encodeURIComponent(before.incident_id)}`;
      return get(`/incidents?state=${state}&limit=${PAGE_SIZE}${cursor}`, (body) =>
        readable(body["incidents"], "incidents", readIncident),
      );
    },
    incident: (id) => get(`/incidents/${encodeURIComponent(id)}`, (body) => readIncident(body, "incident")),
    boxes: () => get("/boxes", (body) => readable(body["boxes"], "boxes", readBox)),
    deadLetters: () =>
      get("/dead-letters", (body) => readable(field(body, "dead_letters", "body", (v) => v), "dead_letters", readDeadLetter)),
    flights: () =>
      get(`/flights?limit=${FLIGHTS_SHOWN}`, (body) => readable(body["flights"], "flights", readFlight)),
    flight: (id) => get(`/flights/${encodeURIComponent(id)}`, (body) => readFlight(body, "flight")),
    drones: () => get("/drones", (body) => readable(body["drones"], "drones", readDrone)),
    stations: () => get("/stations", (body) => readable(body["stations"], "stations", readStation)),
    requests: () =>
      get(`/requests?limit=${FLIGHTS_SHOWN}`, (body) => readable(body["requests"], "requests", readRequest)),
    district: () => get("/district", (body) => readDistrict(body, "district")),
    health: () => get("/health", (body) => readHealth(body, "health"), [503]),
  };
}
