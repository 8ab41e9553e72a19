// What stands beside the list while nothing is selected: numbers and the map of everything that is open.

import { useNow } from "../clock.ts";
import { isOpen, isPending } from "../model.ts";
import type { Plan } from "../mapping.ts";
import { openByHazard, type State } from "../state.ts";
import { urgencyOf } from "../text/time.ts";
import { HazardMark } from "./icons.tsx";
import { DistrictMap } from "./map.tsx";
import { useNamed, useScene } from "./scene.tsx";

export function Overview({ state, plan, onDrone }: { state: State; plan: Plan | null; onDrone: () => void }) {
  const { m, choose, controller } = useScene();
  const name = useNamed();
  const now = useNow(5);
  const open = [...state.incidents.values()].filter(isOpen);
  const urgencies = open.map((incident) => urgencyOf(incident.found_at, incident.due_at, isPending(incident), now));
  const count = (sought: string): number => urgencies.filter((urgency) => urgency === sought).length;
  const unplaced = open.filter((incident) => incident.position === null).length;
  return (
    <section class="overview" aria-label={m.overview.title}>
      <header>
        <h2>{state.district ? name(state.district.name) : m.overview.title}</h2>
        <p class="hint">{m.overview.hint}</p>
      </header>
      <div class="numbers">
        <Number value={open.length} more={state.more} text={m.overview.open} tone="" />
        <Number value={count("over")} more={false} text={m.overview.overdue} tone={count("over") ? "over" : ""} />
        <Number value={count("soon")} more={false} text={m.overview.dueSoon} tone={count("soon") ? "soon" : ""} />
        <ul class="by-hazard">
          {openByHazard(state.incidents).map(([hazard, each]) => (
            <li key={hazard}>
              <button
                type="button"
                aria-pressed={state.filter.hazard === hazard}
                onClick={() => controller.filter({ hazard: state.filter.hazard === hazard ? "any" : hazard })}
              >
                <HazardMark hazard={hazard} size={26} />
                {m.hazard[hazard]} <strong>{each}</strong>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <DistrictMap
        plan={plan}
        failed={state.districtFailed}
        incidents={open}
        focus={null}
        wheel="zooms"
        onChoose={(id) => choose(id, "push")}
        drones={state.drones.values()}
        stations={state.stations ?? []}
        onDrone={onDrone}
      />
      {unplaced > 0 && <p class="hint">{m.overview.noPosition(unplaced)}</p>}
    </section>
  );
}

function Number({ value, more, text, tone }: { value: number; more: boolean; text: string; tone: string }) {
  return (
    <p class={`figure ${tone}`}>
      <strong>
        {value}
        {more ? "+" : ""}
      </strong>
      <span>{text}</span>
    </p>
  );
}
