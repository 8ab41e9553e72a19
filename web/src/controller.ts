// Where news comes from: the API, the live stream and the dispatcher. Each change of the state goes through `after`.

import { PAGE_SIZE, Problem, type Api } from "./api.ts";
import { readPose, type Pose } from "./flights.ts";
import { connect, type Change, type Live } from "./live.ts";
import { Unreadable } from "./read.ts";
import { after, newestFirst, START, type Filter, type News, type State } from "./state.ts";

const GATHER_MS = 150; // changes that come together are asked for together
const POSES_MS = 400; // the map is drawn anew twice a second, however many drones there are
const CALM_MS = 2000; // a hundred boxes give a sign of life every 10 s: one look at them all each two seconds is enough
const MANY = 12; // more changed incidents than this: the whole list is cheaper
const POLL_MS = 15_000; // while the stream is lost, the page still asks

export interface Controller {
  state(): State;
  subscribe(listener: () => void): () => void;
  start(): void;
  select(id: string | null): void;
  filter(filter: Partial<Filter>): void;
  older(): void;
  retry(): void;
  retryDetail(): void;
  settle(ids: readonly string[]): void;
}

export function createController(api: Api, streamUrl: string): Controller {
  let state = START;
  const listeners = new Set<() => void>();
  const changed = new Set<string>();
  const changedFlights = new Set<string>();
  let poses: Pose[] = [];
  const planned = new Map<string, ReturnType<typeof setTimeout>>();
  let live: Live | undefined;
  let refreshing: Promise<void> | undefined;
  let again = false;

  function tell(news: News): void {
    const next = after(state, news);
    if (next === state) return;
    state = next;
    listeners.forEach((listener) => listener());
  }

  function complain(error: unknown): void {
    if (!(error instanceof Problem)) throw error;
    tell({ type: "problem", fault: error.fault });
  }

  async function loadList(): Promise<void> {
    const scope = state.filter.state;
    const page = await api.incidents(scope, null);
    if (scope !== state.filter.state) return; // the dispatcher switched meanwhile: another answer is coming
    tell({ type: "page", page, full: page.items.length >= PAGE_SIZE });
  }

  async function loadDetail(id: string): Promise<void> {
    try {
      tell({ type: "detail", id, outcome: await api.incident(id) });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const missing = error.fault.kind === "refused" && error.fault.status === 404;
      tell({ type: "detail", id, outcome: missing ? "missing" : "failed" });
    }
  }

  async function loadBoxes(): Promise<void> {
    tell({ type: "boxes", page: await api.boxes() });
  }

  async function loadDeadLetters(): Promise<void> {
    tell({ type: "dead-letters", page: await api.deadLetters() });
  }

  async function loadHealth(): Promise<void> {
    tell({ type: "health", health: await api.health() });
  }

  async function loadDistrict(): Promise<void> {
    try {
      tell({ type: "district", district: await api.district() });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      tell({ type: "district", district: null });
    }
  }

  async function loadFlights(): Promise<void> {
    tell({ type: "flights", page: await api.flights() });
  }

  async function loadSky(): Promise<void> {
    const [drones, stations, requests] = await Promise.all([api.drones(), api.stations(), api.requests(), loadFlights()]);
    tell({ type: "drones", page: drones });
    tell({ type: "stations", page: stations });
    tell({ type: "requests", page: requests });
  }

  async function loadStations(): Promise<void> {
    tell({ type: "stations", page: await api.stations() });
  }

  async function loadRequests(): Promise<void> {
    tell({ type: "requests", page: await api.requests() });
  }

  async function fetchChangedFlights(): Promise<void> {
    const ids = [...changedFlights];
    changedFlights.clear();
    if (ids.length > MANY) return loadFlights();
    tell({ type: "flight", flights: await Promise.all(ids.map((id) => api.flight(id))) });
  }

  async function showPoses(): Promise<void> {
    const came = poses;
    poses = [];
    tell({ type: "poses", poses: came });
  }

  /** A pose came. One that cannot be read is left out: the next comes in a second, and the snapshot names its fault. */
  function onPose(data: string): void {
    try {
      poses.push(readPose(JSON.parse(data), "drone"));
    } catch (error) {
      if (!(error instanceof Unreadable || error instanceof SyntaxError)) throw error;
      return;
    }
    gather("poses", POSES_MS, showPoses);
  }

  /** Do `what` once after `wait_ms`, however often it is wished for until then. */
  function gather(name: string, wait_ms: number, what: () => Promise<void>): void {
    if (planned.has(name)) return;
    const start = (): void => {
      planned.delete(name);
      what().catch(complain);
    };
    planned.set(name, setTimeout(start, wait_ms));
  }

  /** Everything once more. One at a time; a wish that comes meanwhile is granted after it. */
  function refresh(): Promise<void> {
    if (refreshing) {
      again = true;
      return refreshing;
    }
    const parts = [loadList(), loadBoxes(), loadDeadLetters(), loadHealth(), loadSky()];
    if (state.district === null) parts.push(loadDistrict());
    if (state.selected !== null) parts.push(loadDetail(state.selected));
    refreshing = Promise.all(parts)
      .then(() => undefined, complain)
      .finally(() => {
        refreshing = undefined;
        if (again) {
          again = false;
          void refresh();
        }
      });
    return refreshing;
  }

  async function fetchChanged(): Promise<void> {
    const ids = [...changed];
    changed.clear();
    if (ids.length > MANY) {
      await loadList();
      if (state.selected !== null) await loadDetail(state.selected);
      return;
    }
    const incidents = await Promise.all(ids.map((id) => api.incident(id)));
    tell({ type: "incidents", incidents });
  }

  function incidentChanged(id: string): void {
    changed.add(id);
    gather("incidents", GATHER_MS, fetchChanged);
  }

  /** An evidence file changed: the id may be the incident's or the file's. */
  function evidenceChanged(id: string): void {
    if (state.incidents.has(id)) return incidentChanged(id);
    for (const incident of state.incidents.values()) {
      if (incident.evidence.some((file) => file.sha256 === id)) incidentChanged(incident.incident_id);
    }
  }

  function onChange(change: Change, id: string): void {
    if (change === "box") gather("boxes", state.boxes === null ? 0 : CALM_MS, loadBoxes);
    else if (change === "flight") {
      changedFlights.add(id);
      gather("flights", GATHER_MS, fetchChangedFlights);
    } else if (change === "request") gather("requests", GATHER_MS, loadRequests);
    else if (change === "station") gather("stations", CALM_MS, loadStations);
    else if (change === "dead-letter") gather("dead-letters", GATHER_MS, loadDeadLetters);
    else if (id === "") void refresh();
    else if (change === "incident") incidentChanged(id);
    else evidenceChanged(id);
  }

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () => {
      void loadDistrict();
      live = connect(streamUrl, loadHealth, {
        onOpen: () => void refresh(),
        onChange,
        onPose,
        onState: (next) => {
          tell({ type: "live", live: next });
          // A stream that does not open must not hide the incidents: ask for them all the same.
          if (next.kind === "lost") void refresh();
        },
      });
      setInterval(() => {
        if (state.live.kind !== "live" || state.problem !== null) void refresh();
      }, POLL_MS);
    },
    select: (id) => {
      tell({ type: "select", id });
      if (id !== null) void loadDetail(id);
    },
    filter: (filter) => {
      const before = state.filter.state;
      tell({ type: "filter", filter });
      if (state.filter.state !== before) loadList().catch(complain);
    },
    older: () => {
      const oldest = [...state.incidents.values()].sort(newestFirst).at(-1);
      if (oldest === undefined || state.loadingOlder) return;
      tell({ type: "loading-older" });
      api
        .incidents(state.filter.state, oldest)
        .then((page) => tell({ type: "older", page, full: page.items.length >= PAGE_SIZE }))
        .catch(complain);
    },
    retry: () => {
      live?.retryNow();
      void refresh();
    },
    retryDetail: () => {
      if (state.selected !== null) void loadDetail(state.selected);
    },
    settle: (ids) => tell({ type: "settled", ids }),
  };
}
