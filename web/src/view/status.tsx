// The bar at the bottom: is what I see true, and is everything watching?

import { useNow } from "../clock.ts";
import { skyOf } from "../flights.ts";
import type { LiveState } from "../live.ts";
import { watchOf, type State } from "../state.ts";
import { clockText, spanText } from "../text/time.ts";
import { Icon } from "./icons.tsx";
import { useScene } from "./scene.tsx";

interface Props {
  state: State;
  onBoxes: () => void;
  onFlights: () => void;
  onDeadLetters: () => void;
}

export function StatusBar({ state, onBoxes, onFlights, onDeadLetters }: Props) {
  const { m } = useScene();
  const watch = watchOf(state.boxes ?? []);
  // the list has an end, the count has none; which of them is fresher does not matter to whoever has to look
  const dead = Math.max(state.deadLetters?.length ?? 0, state.health?.dead_letters ?? 0);
  return (
    <footer class="status" aria-label={m.status.label}>
      <LiveLamp live={state.live} />
      {state.boxes !== null && (
        <button type="button" class={watch.trouble ? "trouble" : ""} aria-haspopup="dialog" onClick={onBoxes}>
          <Icon name={watch.trouble ? "warning" : "box"} size={18} />
          <span>{watch.boxes === 0 ? m.status.noBoxes : m.status.boxes(watch.boxesOnline, watch.boxes)}</span>
          {watch.cameras > 0 && <span class="sub">{m.status.cameras(watch.camerasWatching, watch.cameras)}</span>}
          {watch.unwatched_s >= 1 && (
            <span class="sub" title={m.status.unwatchedTitle}>
              {m.status.unwatched(spanText(watch.unwatched_s, m))}
            </span>
          )}
        </button>
      )}
      {state.stations !== null && (state.stations.length > 0 || state.drones.size > 0) && (
        <InTheAir state={state} onFlights={onFlights} />
      )}
      {state.deadLetters !== null && (
        <button type="button" class={dead > 0 ? "trouble" : ""} aria-haspopup="dialog" onClick={onDeadLetters}>
          <Icon name="letter" size={18} />
          <span>{dead > 0 ? m.status.deadLetters(dead) : m.status.noDeadLetters}</span>
        </button>
      )}
    </footer>
  );
}

function InTheAir({ state, onFlights }: { state: State; onFlights: () => void }) {
  const { m } = useScene();
  const sky = skyOf(state.stations ?? [], state.drones, useNow(5));
  return (
    <button type="button" class={sky.trouble ? "trouble" : ""} aria-haspopup="dialog" onClick={onFlights}>
      <Icon name={sky.trouble ? "warning" : "drone"} size={18} />
      <span>{sky.airborne > 0 ? m.status.airborne(sky.airborne) : m.status.noneAirborne}</span>
      <span class="sub">{m.status.stations(sky.stationsOnline, sky.stations)}</span>
    </button>
  );
}

function LiveLamp({ live }: { live: LiveState }) {
  const { m } = useScene();
  const text =
    live.kind === "live" ? m.status.live : live.kind === "connecting" ? m.status.connecting : m.status.notLive;
  return (
    <span class={`lamp ${live.kind}`} role="status" title={live.kind === "connecting" ? m.status.connectingText : undefined}>
      <i aria-hidden="true" />
      {text}
    </span>
  );
}

/** Across the top while the stream is lost: nobody may take an old picture for the present one. */
export function NotLive({ live }: { live: LiveState }) {
  const { m, zone, controller } = useScene();
  const now = useNow();
  if (live.kind !== "lost") return null;
  const wait_s = Math.ceil((live.retryAt - Date.now()) / 1000);
  return (
    <div class="strip alarm">
      <Icon name="warning" size={22} />
      <p>
        <strong>{m.status.notLive}</strong>{" "}
        <span role="alert">{m.status.notLiveSince(clockText(live.since + (now - Date.now()), zone))}</span>{" "}
        <span>{wait_s > 0 ? m.status.retryIn(wait_s) : m.status.retrying}</span>
      </p>
      <button type="button" class="button" onClick={controller.retry}>
        {m.status.retryNow}
      </button>
    </div>
  );
}
