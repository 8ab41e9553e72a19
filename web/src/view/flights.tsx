// Flights: stations, what is in the air, what has flown, and what was asked for and not flown.

import { useNow } from "../clock.ts";
import { presenceOf, type Drone, type Flight, type FlightRequest, type Presence, type Station } from "../flights.ts";
import type { Plan } from "../mapping.ts";
import type { Name, Named } from "../model.ts";
import type { State } from "../state.ts";
import { percentText } from "../text/explain.ts";
import { agoText, spanText } from "../text/time.ts";
import { factsOf } from "./drones.tsx";
import { Icon } from "./icons.tsx";
import { DistrictMap } from "./map.tsx";
import { Panel } from "./panels.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Moment } from "./times.tsx";

const MOST_NAMES = 12;
const UNFLOWN = new Set<FlightRequest["state"]>(["waiting", "refused", "given-up"]);

export function FlightsPanel({ state, plan, onClose }: { state: State; plan: Plan | null; onClose: () => void }) {
  const { m } = useScene();
  const now = useNow();
  const stations = state.stations ?? [];
  const flights = state.flights ?? [];
  const presence = new Map(stations.map((station) => [station.station, presenceOf(station, now)]));
  const there = (flight: Flight): Presence => presence.get(flight.station) ?? flight.station_state;
  const droneOf = new Map([...state.drones.values()].map((drone) => [drone.flight_id, drone]));
  const inAir = flights.filter((flight) => flight.in_air);
  const earlier = flights.filter((flight) => !flight.in_air);
  const unflown = state.requests.filter((request) => UNFLOWN.has(request.state));
  return (
    <Panel title={m.flights.title} onClose={onClose}>
      {stations.length === 0 && <p>{m.flights.noStations}</p>}
      {stations.map((station) => (
        <StationCard key={station.station} station={station} state={presenceOf(station, now)} />
      ))}
      {state.drones.size > 0 && (
        <DistrictMap
          plan={plan}
          failed={state.districtFailed}
          incidents={[]}
          focus={null}
          wheel="zooms with ctrl"
          drones={state.drones.values()}
          stations={stations}
        />
      )}
      <Flights title={m.flights.inAir} flights={inAir} there={there} droneOf={droneOf} />
      {unflown.length > 0 && (
        <section class="flights" aria-label={m.flights.requests}>
          <h3>{m.flights.requests}</h3>
          <ol>
            {unflown.map((request) => (
              <RequestCard key={`${request.station}/${request.request_id}`} request={request} />
            ))}
          </ol>
        </section>
      )}
      <Flights title={m.flights.earlier} flights={earlier} there={there} droneOf={droneOf} />
      {flights.length === 0 && <p class="hint">{m.flights.empty}</p>}
    </Panel>
  );
}

function StationCard({ station, state }: { station: Station; state: Presence }) {
  const { m } = useScene();
  const name = useNamed();
  const f = m.flights;
  return (
    <section class={`card box station ${state}`}>
      <h3>
        <Icon name="drone" size={22} />
        {f.station(station.station)} <span class={`badge box-${state}`}>{m.boxState[state]}</span>
      </h3>
      {state === "stale" && <p class="warn-text">{f.stale}</p>}
      {state === "offline" && <p class="warn-text">{f.offline}</p>}
      <p class="hint box-line">
        {station.heard_at === null ? (
          <span>{f.neverHeard}</span>
        ) : (
          <span>
            {m.boxes.heard} <Moment at={station.heard_at} />
          </span>
        )}
        {station.software && <span>{m.boxes.software(station.software)}</span>}
        {station.waiting > 0 && <span>{f.waits(station.waiting)}</span>}
      </p>
      {station.drones.length > 0 && (
        <ul class={`station-drones${state === "online" ? "" : " dark"}`}>
          {station.drones.map((each) => (
            <li key={each.drone.id}>
              <strong>{name(each.drone.name)}</strong> <span class={`badge drone-${each.state}`}>{m.droneState[each.state]}</span>{" "}
              {each.battery !== null && <span class="hint">{f.battery(percentText(each.battery))}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface FlightsProps {
  title: string;
  flights: readonly Flight[];
  there: (flight: Flight) => Presence;
  droneOf: ReadonlyMap<string, Drone>;
}

function Flights({ title, flights, there, droneOf }: FlightsProps) {
  if (flights.length === 0) return null;
  return (
    <section class="flights" aria-label={title}>
      <h3>{title}</h3>
      <ol>
        {flights.map((flight) => (
          <FlightCard key={flight.flight_id} flight={flight} station={there(flight)} drone={droneOf.get(flight.flight_id)} />
        ))}
      </ol>
    </section>
  );
}

function FlightCard({ flight, station, drone }: { flight: Flight; station: Presence; drone: Drone | undefined }) {
  const { m } = useScene();
  const name = useNamed();
  const names = useNames();
  const now = useNow(5);
  const f = m.flights;
  const doubtful = flight.in_air && station !== "online";
  const phase = doubtful ? f.lastSaid(m.phase[flight.phase]) : m.phase[flight.phase];
  const lasted_s = ((flight.ended_at ?? now) - flight.begun_at) / 1000;
  const left = flight.request?.state === "done" ? [] : (flight.request?.left ?? []);
  return (
    <li class="card flight" data-flight={flight.flight_id}>
      <h4>
        {flight.patrol ? name(flight.patrol.name) : f.onePlace}
        <span class={`badge phase-${doubtful ? "doubtful" : flight.phase}`}>{phase}</span>
        {flight.drill && <span class="badge">{m.drill}</span>}
        {flight.ended_at === null && !flight.in_air && <span class="badge phase-doubtful">{f.noEnd}</span>}
      </h4>
      <p class="box-line">
        <span>
          {f.drone} {name(flight.drone.name)}
        </span>
        {drone && factsOf(drone, m).map((fact) => <span key={fact}>{fact}</span>)}
        {drone && <span class="hint">{f.poseAt(agoText(drone.heard_at, now, m))}</span>}
      </p>
      <Reasons reasons={flight.reasons} />
      <p class="hint box-line">
        <span>
          {f.begun} <Moment at={flight.begun_at} />
        </span>
        {flight.ended_at !== null && (
          <span>
            {f.ended} <Moment at={flight.ended_at} />
          </span>
        )}
        {(flight.ended_at !== null || flight.in_air) && (
          <span>{(flight.ended_at === null ? f.for : f.lasted)(spanText(lasted_s, m))}</span>
        )}
        {flight.seen.length > 0 && <span title={names(flight.seen)}>{f.seen(flight.seen.length)}</span>}
        {flight.photographs > 0 && <span>{f.photographs(flight.photographs)}</span>}
      </p>
      {left.length > 0 && <p class={flight.in_air ? "hint" : "warn-text"}>{f.left(names(left))}</p>}
      <details>
        <summary>{f.course}</summary>
        <ol class="course">
          {flight.phases.map((said) => (
            <li key={`${said.at}-${said.phase}`}>
              <Moment at={said.at} /> <strong>{m.phaseSaid[said.phase]}</strong>
              <Reasons reasons={said.reasons} />
            </li>
          ))}
        </ol>
      </details>
    </li>
  );
}

function RequestCard({ request }: { request: FlightRequest }) {
  const { m } = useScene();
  const names = useNames();
  return (
    <li class="card flight" data-request={request.request_id}>
      <h4>
        <span class={`badge answer-${request.state}`}>{m.answer[request.state]}</span>
        <span class="hint">{request.request_id}</span>
        {request.drill && <span class="badge">{m.drill}</span>}
      </h4>
      <Reasons reasons={request.reasons} />
      <p class="hint box-line">
        <Moment at={request.at} />
        {request.left.length > 0 && <span>{m.flights.left(names(request.left))}</span>}
      </p>
    </li>
  );
}

function Reasons({ reasons }: { reasons: readonly Name[] }) {
  const name = useNamed();
  return (
    <>
      {reasons.map((reason) => (
        <p key={reason.en} class="reason">
          {name(reason)}
        </p>
      ))}
    </>
  );
}

/** “North gate, Market and 3 more” in the reader's language; only the first few of many. */
function useNames(): (things: readonly Named[]) => string {
  const { m } = useScene();
  const name = useNamed();
  const join = new Intl.ListFormat(m.tag, { type: "conjunction" });
  return (things) => {
    const shown = things.slice(0, MOST_NAMES).map((thing) => name(thing.name));
    return join.format(things.length > MOST_NAMES ? [...shown, m.flights.more(things.length - MOST_NAMES)] : shown);
  };
}
