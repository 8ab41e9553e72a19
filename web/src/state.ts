// Everything the page knows, and how each piece of news changes it. Pure.

import { FLIGHTS_SHOWN, type Fault, type Page } from "./api.ts";
import { withFlights, withoutFlights, withPoses, keyOf, type Drone, type Drones, type Flight, type FlightRequest, type Pose, type Station } from "./flights.ts";
import type { LiveState } from "./live.ts";
import { HAZARDS, isOpen, type Box, type DeadLetter, type District, type Evidence, type Hazard, type Health, type Incident } from "./model.ts";

export interface Filter {
  readonly state: "open" | "all";
  readonly hazard: Hazard | "any";
  readonly search: string;
}

export type DetailState = "loading" | "ready" | "missing" | "failed";

export interface State {
  /** "ready" once a first list has arrived; a later failure leaves what is there and adds a problem. */
  readonly phase: "loading" | "ready" | "failed";
  readonly problem: Fault | null;
  /** Places of records that could not be read, by what was asked for. */
  readonly faults: Readonly<Record<string, readonly string[]>>;
  readonly incidents: ReadonlyMap<string, Incident>;
  /** There are older ones than those loaded. */
  readonly more: boolean;
  readonly loadingOlder: boolean;
  readonly fresh: ReadonlySet<string>;
  /** The newest arrivals, for the announcement; `serial` tells one from the next. */
  readonly arrival: { readonly serial: number; readonly ids: readonly string[] };
  readonly selected: string | null;
  readonly detail: DetailState;
  readonly filter: Filter;
  readonly boxes: readonly Box[] | null;
  readonly deadLetters: readonly DeadLetter[] | null;
  /** The newest first. */
  readonly flights: readonly Flight[] | null;
  readonly drones: Drones;
  readonly stations: readonly Station[] | null;
  readonly requests: readonly FlightRequest[];
  readonly district: District | null;
  readonly districtFailed: boolean;
  readonly live: LiveState;
  readonly health: Health | null;
}

export const START: State = {
  phase: "loading",
  problem: null,
  faults: {},
  incidents: new Map(),
  more: false,
  loadingOlder: false,
  fresh: new Set(),
  arrival: { serial: 0, ids: [] },
  selected: null,
  detail: "loading",
  filter: { state: "open", hazard: "any", search: "" },
  boxes: null,
  deadLetters: null,
  flights: null,
  drones: new Map(),
  stations: null,
  requests: [],
  district: null,
  districtFailed: false,
  live: { kind: "connecting" },
  health: null,
};

export type News =
  | { readonly type: "page"; readonly page: Page<Incident>; readonly full: boolean }
  | { readonly type: "older"; readonly page: Page<Incident>; readonly full: boolean }
  | { readonly type: "loading-older" }
  | { readonly type: "incidents"; readonly incidents: readonly Incident[] }
  | { readonly type: "detail"; readonly id: string; readonly outcome: Incident | "missing" | "failed" }
  | { readonly type: "boxes"; readonly page: Page<Box> }
  | { readonly type: "dead-letters"; readonly page: Page<DeadLetter> }
  | { readonly type: "flights"; readonly page: Page<Flight> }
  | { readonly type: "flight"; readonly flights: readonly Flight[] }
  | { readonly type: "drones"; readonly page: Page<Drone> }
  | { readonly type: "poses"; readonly poses: readonly Pose[] }
  | { readonly type: "stations"; readonly page: Page<Station> }
  | { readonly type: "requests"; readonly page: Page<FlightRequest> }
  | { readonly type: "district"; readonly district: District | null }
  | { readonly type: "live"; readonly live: LiveState }
  | { readonly type: "health"; readonly health: Health }
  | { readonly type: "problem"; readonly fault: Fault }
  | { readonly type: "select"; readonly id: string | null }
  | { readonly type: "filter"; readonly filter: Partial<Filter> }
  | { readonly type: "settled"; readonly ids: readonly string[] };

export function after(state: State, news: News): State {
  switch (news.type) {
    case "page":
      return afterPage(state, news.page, news.full);
    case "older":
      return {
        ...merged(state, news.page.items, false),
        more: news.full,
        loadingOlder: false,
        faults: { ...state.faults, older: news.page.faults },
      };
    case "loading-older":
      return { ...state, loadingOlder: true };
    case "incidents":
      return merged(state, news.incidents, state.phase === "ready");
    case "detail":
      return afterDetail(state, news.id, news.outcome);
    case "boxes":
      return { ...state, boxes: news.page.items, faults: { ...state.faults, boxes: news.page.faults } };
    case "dead-letters":
      return { ...state, deadLetters: news.page.items, faults: { ...state.faults, "dead-letters": news.page.faults } };
    case "flights":
      return withKnownFlights({ ...state, faults: { ...state.faults, flights: news.page.faults } }, news.page.items);
    case "flight":
      return withKnownFlights(state, withFlights(state.flights ?? [], news.flights, FLIGHTS_SHOWN));
    case "drones": {
      const drones = new Map(news.page.items.map((drone) => [keyOf(drone), drone]));
      const later = [...state.drones.values()].filter((drone) => drone.at > (drones.get(keyOf(drone))?.at ?? Infinity));
      return {
        ...state,
        drones: withPoses(drones, later, () => false),
        faults: { ...state.faults, drones: news.page.faults },
      };
    }
    case "poses":
      return { ...state, drones: withPoses(state.drones, news.poses, endedIn(state.flights ?? [])) };
    case "stations":
      return { ...state, stations: news.page.items, faults: { ...state.faults, stations: news.page.faults } };
    case "requests":
      return { ...state, requests: news.page.items, faults: { ...state.faults, requests: news.page.faults } };
    case "district":
      return news.district === null
        ? { ...state, districtFailed: true }
        : { ...state, district: news.district, districtFailed: false };
    case "live":
      return { ...state, live: news.live };
    case "health":
      return { ...state, health: news.health };
    case "problem":
      return {
        ...state,
        problem: news.fault,
        loadingOlder: false,
        phase: state.phase === "ready" ? "ready" : "failed",
      };
    case "select":
      return selecting(state, news.id);
    case "filter":
      return { ...state, filter: { ...state.filter, ...news.filter } };
    case "settled":
      return { ...state, fresh: new Set([...state.fresh].filter((id) => !news.ids.includes(id))) };
  }
}

function endedIn(flights: readonly Flight[]): (flight_id: string) => boolean {
  const ended = new Set(flights.filter((flight) => !flight.in_air).map((flight) => flight.flight_id));
  return (flight_id) => ended.has(flight_id);
}

/** A flight that is over takes its drone out of the air. */
function withKnownFlights(state: State, flights: readonly Flight[]): State {
  return { ...state, flights, drones: withoutFlights(state.drones, endedIn(flights)) };
}

function selecting(state: State, id: string | null): State {
  if (id === state.selected) return state;
  const known = id === null ? undefined : state.incidents.get(id);
  const fresh = id !== null && state.fresh.has(id) ? new Set([...state.fresh].filter((each) => each !== id)) : state.fresh;
  return { ...state, selected: id, fresh, detail: known?.alerts ? "ready" : "loading" };
}

/** A whole list: what it does not name and is not older than it is no longer in its scope, and goes. */
function afterPage(state: State, page: Page<Incident>, full: boolean): State {
  const named = new Set(page.items.map((incident) => incident.incident_id));
  const oldest = full ? Math.min(...page.items.map((incident) => incident.found_at)) : -Infinity;
  const kept = new Map(
    [...state.incidents].filter(
      ([id, incident]) => named.has(id) || id === state.selected || incident.found_at < oldest,
    ),
  );
  const base = { ...state, incidents: kept };
  return {
    ...merged(base, page.items, state.phase === "ready"),
    phase: "ready",
    problem: null,
    more: full,
    faults: { ...state.faults, incidents: page.faults },
  };
}

function afterDetail(state: State, id: string, outcome: Incident | "missing" | "failed"): State {
  const next = typeof outcome === "string" ? state : merged(state, [outcome], false);
  if (state.selected !== id) return next;
  if (outcome === "failed" && state.incidents.get(id)?.alerts) return next; // what is shown stays shown
  return { ...next, detail: typeof outcome === "string" ? outcome : "ready" };
}

function merged(state: State, incoming: readonly Incident[], announce: boolean): State {
  const incidents = new Map(state.incidents);
  const arrived: string[] = [];
  for (const incident of incoming) {
    const known = incidents.get(incident.incident_id);
    if (known === undefined && isOpen(incident)) arrived.push(incident.incident_id);
    incidents.set(incident.incident_id, known ? withKnown(incident, known) : incident);
  }
  if (!announce || arrived.length === 0) return { ...state, incidents };
  return {
    ...state,
    incidents,
    fresh: new Set([...state.fresh, ...arrived]),
    arrival: { serial: state.arrival.serial + 1, ids: arrived },
  };
}

/**
 * A list carries no alerts and only the newest alert's files: the rest of what is known stays until the incident
 * itself is asked for again.
 */
function withKnown(incident: Incident, known: Incident): Incident {
  if (incident.alerts !== null || known.alerts === null) return incident;
  const files = new Map<string, Evidence>([...known.evidence, ...incident.evidence].map((file) => [file.sha256, file]));
  return { ...incident, alerts: known.alerts, evidence: [...files.values()] };
}

/** Newest first; the case number decides between those found in the same millisecond. */
export function newestFirst(a: Incident, b: Incident): number {
  return b.found_at - a.found_at || (a.case_number < b.case_number ? 1 : -1);
}

/** What the list shows. `words` gives the texts of an incident that the search looks into. */
export function shown(
  incidents: ReadonlyMap<string, Incident>,
  filter: Filter,
  words: (incident: Incident) => readonly string[],
): Incident[] {
  const sought = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return [...incidents.values()]
    .filter((incident) => filter.state === "all" || isOpen(incident))
    .filter((incident) => filter.hazard === "any" || incident.hazard === filter.hazard)
    .filter((incident) => {
      if (sought.length === 0) return true;
      const text = words(incident).join("\n").toLowerCase();
      return sought.every((word) => text.includes(word));
    })
    .sort(newestFirst);
}

/** How many open incidents there are of each hazard, most frequent first. */
export function openByHazard(incidents: ReadonlyMap<string, Incident>): [Hazard, number][] {
  const counts = new Map<Hazard, number>();
  for (const incident of incidents.values()) {
    if (isOpen(incident)) counts.set(incident.hazard, (counts.get(incident.hazard) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || HAZARDS.indexOf(a[0]) - HAZARDS.indexOf(b[0]));
}

/** The id of the neighbour in the list; with nothing selected (or out of sight) the first. */
export function neighbour(list: readonly Incident[], selected: string | null, step: 1 | -1): string | null {
  const at = list.findIndex((incident) => incident.incident_id === selected);
  const next = at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + step));
  return list[next]?.incident_id ?? null;
}

export interface Watch {
  readonly boxesOnline: number;
  readonly boxes: number;
  readonly camerasWatching: number;
  readonly cameras: number;
  readonly unwatched_s: number;
  /** A box or camera that should be watching is not, or a sensor that should be heard is not. */
  readonly trouble: boolean;
}

/** The system in one line. A camera counts as watching only while its box is online. */
export function watchOf(boxes: readonly Box[]): Watch {
  const online = boxes.filter((box) => box.state === "online");
  const cameras = boxes.flatMap((box) => box.cameras);
  const deaf = online.flatMap((box) => box.sensors).some((one) => one.state === "silent" || one.state === "refused");
  const watching = online.flatMap((box) => box.cameras).filter((camera) => camera.state === "watching");
  return {
    boxesOnline: online.length,
    boxes: boxes.length,
    camerasWatching: watching.length,
    cameras: cameras.length,
    unwatched_s: cameras.reduce((sum, camera) => sum + camera.unwatched_s, 0),
    trouble: online.length < boxes.length || watching.length < cameras.length || deaf,
  };
}
