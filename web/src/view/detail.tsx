// One incident in full.

import { useEffect, useRef, useState } from "preact/hooks";
import { centerNow } from "../clock.ts";
import { CASE_STATES, type Alert, type Box, type Incident } from "../model.ts";
import type { Plan } from "../mapping.ts";
import type { State } from "../state.ts";
import { measurementText, metresText, positionText, shortHash, summaryText } from "../text/explain.ts";
import { spanText } from "../text/time.ts";
import { Badges } from "./badges.tsx";
import { EvidenceView } from "./evidence.tsx";
import { HazardMark, Icon } from "./icons.tsx";
import { DistrictMap } from "./map.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Deadline, Moment, useUrgency } from "./times.tsx";
import { Why } from "./why.tsx";

interface Props {
  state: State;
  incident: Incident;
  plan: Plan | null;
  onBack: () => void;
}

export function Detail({ state, incident, plan, onBack }: Props) {
  const { m, controller } = useScene();
  return (
    <article class="detail" aria-label={`${m.detail.label} ${incident.case_number}`}>
      <Head incident={incident} onBack={onBack} />
      {state.detail === "failed" && (
        <p class="strip warn" role="alert">
          <Icon name="warning" /> {m.detail.loadFailed}
          <button type="button" class="button" onClick={controller.retryDetail}>
            {m.detail.retry}
          </button>
        </p>
      )}
      <div class="columns">
        <div class="column main">
          <EvidenceView incident={incident} />
          <Why incident={incident} />
        </div>
        <div class="column more">
          <section class="card where">
            <h3>{m.detail.map}</h3>
            <DistrictMap
              plan={plan}
              failed={state.districtFailed}
              incidents={[incident]}
              focus={incident}
              drones={state.drones.values()}
              stations={state.stations ?? []}
              wheel="zooms with ctrl"
            />
            <Position incident={incident} />
          </section>
          <Facts incident={incident} boxes={state.boxes ?? []} />
          <Alerts incident={incident} />
        </div>
      </div>
    </article>
  );
}

function Head({ incident, onBack }: { incident: Incident; onBack: () => void }) {
  const { m } = useScene();
  const name = useNamed();
  const urgency = useUrgency(incident);
  return (
    <header class={`detail-head ${urgency}`}>
      <button type="button" class="icon-button back" aria-label={m.back} title={m.back} onClick={onBack}>
        <Icon name="back" size={26} />
      </button>
      <HazardMark hazard={incident.hazard} size={48} />
      <div class="detail-title">
        <h2>
          {m.hazard[incident.hazard]} <Badges incident={incident} fresh={false} alerts />
        </h2>
        <p>
          <span class="number">{incident.case_number}</span>
          <span>{name(incident.camera.name)}</span>
          {incident.unit && <span class="unit">{name(incident.unit.name)}</span>}
        </p>
      </div>
      <div class="detail-due">
        <Deadline incident={incident} />
        <CopyButton incident={incident} />
      </div>
      <Progress incident={incident} />
    </header>
  );
}

function Progress({ incident }: { incident: Incident }) {
  const { m } = useScene();
  const at = CASE_STATES.indexOf(incident.case_state);
  return (
    <ol class="progress" aria-label={m.detail.progress}>
      {CASE_STATES.map((state, index) => (
        <li
          key={state}
          class={index < at ? "past" : index === at ? "present" : "future"}
          aria-current={index === at ? "step" : undefined}
        >
          {m.caseState[state]}
        </li>
      ))}
    </ol>
  );
}

function CopyButton({ incident }: { incident: Incident }) {
  const { m, zone, language } = useScene();
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (!("clipboard" in navigator)) return null; // browsers withhold it on plain http from another machine
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(summaryText(incident, centerNow(), zone, language, m));
    setCopied(true);
    timer.current = setTimeout(() => setCopied(false), 2500);
  };
  return (
    <button type="button" class="button" onClick={() => void copy().catch(() => setCopied(false))}>
      <Icon name={copied ? "check" : "copy"} size={18} />
      <span aria-live="polite">{copied ? m.detail.copied : m.detail.copy}</span>
    </button>
  );
}

function Position({ incident }: { incident: Incident }) {
  const { m } = useScene();
  const { position } = incident;
  return (
    <p class="position">
      {position === null ? (
        <span class="hint">{`${m.detail.position} ${m.detail.noPosition}`}</span>
      ) : (
        <>
          <code>{positionText(position)}</code>
          <span class="hint">{m.detail.accuracy(metresText(position.accuracy_m))}</span>
        </>
      )}
    </p>
  );
}

function Facts({ incident, boxes }: { incident: Incident; boxes: readonly Box[] }) {
  const { m } = useScene();
  const name = useNamed();
  const d = m.detail;
  const box = boxes.find((each) => each.box === incident.box);
  return (
    <section class="card facts">
      <h3>{d.facts}</h3>
      <dl>
        <dt>{d.foundAt}</dt>
        <dd>
          <Moment at={incident.found_at} />
        </dd>
        <dt>{d.firstSeen}</dt>
        <dd>
          <Moment at={incident.first_seen_at} />
        </dd>
        <dt>{d.lastSeen}</dt>
        <dd>
          <Moment at={incident.last_seen_at} />
        </dd>
        <dt>{d.endedAt}</dt>
        <dd>{incident.ended_at === null ? d.stillThere : <Moment at={incident.ended_at} />}</dd>
        <dt>{d.deadline}</dt>
        <dd>{incident.due_at === null ? m.time.noDeadline : <Moment at={incident.due_at} />}</dd>
        <dt>{d.unit}</dt>
        <dd>{incident.unit ? name(incident.unit.name) : d.noUnit}</dd>
        {incident.cell !== null && (
          <>
            <dt>{d.cell}</dt>
            <dd>{incident.cell}</dd>
          </>
        )}
        {incident.sensor && (
          <>
            <dt>{d.sensor}</dt>
            <dd>
              {name(incident.sensor.name)} {incident.sensor.room && `· ${incident.sensor.room} `}
              <span class="hint">{incident.sensor.id}</span>
            </dd>
          </>
        )}
        <dt>{d.camera}</dt>
        <dd>
          {name(incident.camera.name)} <span class="hint">{incident.camera.id}</span>
        </dd>
        <dt>{d.box}</dt>
        <dd>
          {box?.name && name(box.name)} <span class="hint">{incident.box}</span>
        </dd>
        <dt>{d.place}</dt>
        <dd>
          <code>{incident.place}</code>
        </dd>
        {Object.entries(incident.measurement).map(([key, value]) => {
          const shown = measurementText(key, value, m);
          return [<dt key={`${key}-name`}>{shown.name}</dt>, <dd key={key}>{shown.value}</dd>];
        })}
      </dl>
    </section>
  );
}

function Alerts({ incident }: { incident: Incident }) {
  const { m } = useScene();
  return (
    <section class="card alerts">
      <h3>
        {m.detail.alerts} <span class="count">{incident.alert_count}</span>
      </h3>
      {incident.alerts === null ? (
        <p class="hint">{m.alerts.loading}</p>
      ) : (
        <ol>
          {incident.alerts.map((alert) => (
            <AlertRow key={alert.alert_id} alert={alert} />
          ))}
        </ol>
      )}
    </section>
  );
}

function AlertRow({ alert }: { alert: Alert }) {
  const { m } = useScene();
  const delay_s = alert.received_at === null ? null : (alert.received_at - alert.raised_at) / 1000;
  return (
    <li>
      <p>
        <span class="alert-key">{m.alerts.raised}</span> <Moment at={alert.raised_at} />
        {alert.late && <span class="badge late">{m.badge.late}</span>}
      </p>
      {alert.received_at !== null && (
        <p>
          <span class="alert-key">{m.alerts.received}</span> <Moment at={alert.received_at} />{" "}
          {delay_s !== null && delay_s >= 1 && <span class="hint">{m.alerts.delay(spanText(delay_s, m))}</span>}
        </p>
      )}
      {alert.ended_at !== null && (
        <p>
          <span class="alert-key">{m.alerts.endedAt}</span> <Moment at={alert.ended_at} />
        </p>
      )}
      <p class="hint">
        {alert.box} · {alert.camera}
        {alert.explanation && ` · ${alert.explanation.label} ${alert.explanation.confidence.toFixed(2)}`}
        {alert.evidence.length > 0 && ` · ${alert.evidence.map(shortHash).join(", ")}`}
      </p>
      <p class="hint">
        <code>{alert.alert_id}</code>
      </p>
    </li>
  );
}

/** What stands beside the list while the incident of the address is not (or not yet) known. */
export function Absent({ state, onBack }: { state: State; onBack: () => void }) {
  const { m, controller } = useScene();
  const waiting = state.detail === "loading";
  return (
    <div class="empty">
      {waiting ? <span class="spinner" /> : <Icon name="warning" size={44} />}
      <p class="empty-title">
        {waiting ? m.loading : state.detail === "missing" ? m.detail.notFoundTitle : m.detail.loadFailed}
      </p>
      {state.detail === "missing" && <p>{m.detail.notFoundText}</p>}
      {state.detail === "failed" && (
        <button type="button" class="button" onClick={controller.retryDetail}>
          {m.detail.retry}
        </button>
      )}
      <button type="button" class="button" onClick={onBack}>
        {m.back}
      </button>
    </div>
  );
}
