import { isPending, type Incident } from "../model.ts";
import { useScene } from "./scene.tsx";

export function Badges({ incident, fresh, alerts }: { incident: Incident; fresh: boolean; alerts: boolean }) {
  const { m } = useScene();
  const b = m.badge;
  return (
    <>
      {fresh && <span class="badge fresh">{b.fresh}</span>}
      {incident.late && (
        <span class="badge late" title={b.lateTitle}>
          {b.late}
        </span>
      )}
      {incident.ended_at !== null && (
        <span class="badge ended" title={b.endedTitle}>
          {b.ended}
        </span>
      )}
      {!isPending(incident) && <span class="badge state">{m.caseState[incident.case_state]}</span>}
      {alerts && incident.alert_count > 1 && <span class="badge alerts">{b.alerts(incident.alert_count)}</span>}
    </>
  );
}
