// The page: header, list, detail or overview, status bar; keyboard, address bar, announcements.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Fault } from "../api.ts";
import { chime } from "../chime.ts";
import type { Controller } from "../controller.ts";
import { CATALOGUE, named, type Messages } from "../messages/catalogue.ts";
import { isOpen, type Name } from "../model.ts";
import { loadSettings, saveSettings, type Settings } from "../settings.ts";
import { neighbour, shown, type State } from "../state.ts";
import { Absent, Detail } from "./detail.tsx";
import { Filters } from "./filters.tsx";
import { FlightsPanel } from "./flights.tsx";
import { Header } from "./header.tsx";
import { Icon } from "./icons.tsx";
import { List } from "./list.tsx";
import { usePlan } from "./map.tsx";
import { Overview } from "./overview.tsx";
import { BoxesPanel, DeadLettersPanel, KeysPanel, type PanelName } from "./panels.tsx";
import { searchWords, SceneProvider, useControllerState, useMedia, useNamed, useScene, type Scene } from "./scene.tsx";
import { NotLive, StatusBar } from "./status.tsx";

const BOTH = Object.values(CATALOGUE);

function idInAddress(): string | null {
  const match = /^#\/incident\/(.+)$/.exec(location.hash);
  return match ? decodeURIComponent(match[1] ?? "") : null;
}

export function App({ controller }: { controller: Controller }) {
  const state = useControllerState(controller);
  const [settings, setSettings] = useSettings();
  const [panel, setPanel] = useState<PanelName | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const main = useRef<HTMLDivElement>(null);
  const { language } = settings;
  const m = CATALOGUE[language];
  const zone = state.district?.timezone ?? "UTC";
  const plan = usePlan(state.district);

  const choose = useCallback<Scene["choose"]>(
    (id, history) => {
      const address = id === null ? "#/" : `#/incident/${encodeURIComponent(id)}`;
      if (history === "push" && location.hash !== address) window.history.pushState(null, "", address);
      else window.history.replaceState(null, "", address);
      controller.select(id);
    },
    [controller],
  );
  const scene = useMemo<Scene>(() => ({ m, language, zone, controller, choose }), [m, language, zone, controller, choose]);

  const rows = useMemo(
    () => shown(state.incidents, state.filter, (incident) => searchWords(incident, BOTH)),
    [state.incidents, state.filter],
  );
  const inScope = useMemo(
    () => [...state.incidents.values()].filter((each) => state.filter.state === "all" || isOpen(each)).length,
    [state.incidents, state.filter.state],
  );

  useEffect(() => {
    const follow = (): void => controller.select(idInAddress());
    follow();
    addEventListener("hashchange", follow);
    addEventListener("popstate", follow);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener("popstate", follow);
    };
  }, [controller]);

  const announcement = useArrival(state, settings, m);
  useTitle(state, m);
  useKeys({ state, rows, panel, setPanel, choose, controller, searchBox, main });

  const selected = state.selected === null ? undefined : state.incidents.get(state.selected);
  const drill = state.district?.drill ?? rows.some((incident) => incident.drill);
  const back = (): void => choose(null, "push");

  return (
    <SceneProvider value={scene}>
      <div class={`app${state.selected === null ? "" : " chosen"}`}>
        <Header
          state={state}
          drill={drill}
          settings={settings}
          onSettings={(change) => {
            if (change.sound) chime(); // lets the browser allow it, and lets the dispatcher hear what to expect
            setSettings(change);
          }}
          onHome={back}
          onKeys={() => setPanel("keys")}
        />
        <Strips state={state} />
        <main class="body">
          <nav class="side" aria-label={m.list.title}>
            <Filters filter={state.filter} shown={rows.length} total={inScope} searchBox={searchBox} />
            {state.phase === "loading" ? (
              <Loading text={m.loading} />
            ) : state.phase === "failed" ? (
              <Failed state={state} />
            ) : (
              <List state={state} rows={rows} onReset={() => controller.filter({ hazard: "any", search: "" })} />
            )}
          </nav>
          <div class="pane" ref={main} tabIndex={-1}>
            {state.selected === null ? (
              <Overview state={state} plan={plan} onDrone={() => setPanel("flights")} />
            ) : selected ? (
              <Detail key={selected.incident_id} state={state} incident={selected} plan={plan} onBack={back} />
            ) : (
              <Absent state={state} onBack={back} />
            )}
          </div>
        </main>
        <StatusBar
          state={state}
          onBoxes={() => setPanel("boxes")}
          onFlights={() => setPanel("flights")}
          onDeadLetters={() => setPanel("dead-letters")}
        />
        <p class="spoken" aria-live="polite">
          {announcement}
        </p>
        {panel === "boxes" && <BoxesPanel boxes={state.boxes ?? []} health={state.health} onClose={() => setPanel(null)} />}
        {panel === "flights" && <FlightsPanel state={state} plan={plan} onClose={() => setPanel(null)} />}
        {panel === "dead-letters" && <DeadLettersPanel letters={state.deadLetters ?? []} onClose={() => setPanel(null)} />}
        {panel === "keys" && <KeysPanel onClose={() => setPanel(null)} />}
      </div>
    </SceneProvider>
  );
}

function useSettings(): [Settings, (change: Partial<Settings>) => void] {
  const [settings, setSettings] = useState(loadSettings);
  const systemDark = useMedia("(prefers-color-scheme: dark)");
  useEffect(() => {
    const dark = settings.theme === "dark" || (settings.theme === "auto" && systemDark);
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    document.documentElement.lang = settings.language;
  }, [settings.theme, settings.language, systemDark]);
  const change = (part: Partial<Settings>): void => {
    const next = { ...settings, ...part };
    saveSettings(next);
    setSettings(next);
  };
  return [settings, change];
}

/** What to say about the newest arrivals; sounds too, if that is wanted. */
function useArrival(state: State, settings: Settings, m: Messages): string {
  const { serial, ids } = state.arrival;
  useEffect(() => {
    if (serial > 0 && settings.sound) chime();
  }, [serial]);
  const newest = ids.map((id) => state.incidents.get(id)).find((incident) => incident !== undefined);
  if (newest === undefined) return "";
  const where = named(newest.camera.name, settings.language);
  return m.list.announce(ids.length, m.hazard[newest.hazard], where, newest.case_number);
}

function useTitle(state: State, m: Messages): void {
  const open = [...state.incidents.values()].filter(isOpen).length;
  useEffect(() => {
    const count = open > 0 ? `(${open}${state.more ? "+" : ""}) ` : "";
    document.title = `${state.live.kind === "lost" ? "⚠ " : ""}${count}${m.product}`;
  }, [open, state.more, state.live.kind, m]);
}

interface Keys {
  state: State;
  rows: ReturnType<typeof shown>;
  panel: PanelName | null;
  setPanel: (panel: PanelName | null) => void;
  choose: Scene["choose"];
  controller: Controller;
  searchBox: { current: HTMLInputElement | null };
  main: { current: HTMLElement | null };
}

function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => pressed(event, latest.current);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

function pressed(event: KeyboardEvent, keys: Keys): void {
  const { state, rows, panel, setPanel, choose, controller, searchBox, main } = keys;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (panel !== null || document.querySelector("dialog[open]")) return; // a dialog minds its own keys
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  const typing = target.closest("input, select, textarea") !== null;
  if (event.key === "Escape") {
    if (typing) target.blur();
    else if (state.selected !== null) choose(null, "push");
    return;
  }
  if (typing) return;
  const step = (by: 1 | -1): void => {
    event.preventDefault();
    const id = neighbour(rows, state.selected, by);
    if (id !== null) choose(id, state.selected === null ? "push" : "replace");
  };
  const inMain = main.current?.contains(target) ?? false;
  if (event.key === "j" || (event.key === "ArrowDown" && !inMain)) step(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && !inMain)) step(-1);
  else if (event.key === "Enter" && state.selected !== null && target.closest("button, a, summary, [role=button]") === null) {
    main.current?.focus();
  } else if (event.key === "/") {
    event.preventDefault();
    searchBox.current?.focus();
  } else if (event.key === "o") {
    controller.filter({ state: state.filter.state === "open" ? "all" : "open" });
  } else if (event.key === "f") setPanel("flights");
  else if (event.key === "?") setPanel("keys");
}

function Loading({ text }: { text: string }) {
  return (
    <div class="empty" role="status">
      <span class="spinner" />
      <p>{text}</p>
    </div>
  );
}

function faultText(fault: Fault, m: Messages, name: (name: Name) => string): string {
  switch (fault.kind) {
    case "unreachable":
      return m.problem.unreachable;
    case "timeout":
      return m.problem.timeout;
    case "refused":
      return `${m.problem.refused(fault.status)}${fault.said ? ` ${name(fault.said)}` : ""}`;
    case "unreadable":
      return m.problem.unreadable(fault.where);
  }
}

function Failed({ state }: { state: State }) {
  const { m, controller } = useScene();
  const name = useNamed();
  return (
    <div class="empty" role="alert">
      <Icon name="warning" size={44} />
      <p class="empty-title">{m.problem.title}</p>
      {state.problem && <p>{faultText(state.problem, m, name)}</p>}
      <button type="button" class="button" onClick={controller.retry}>
        {m.problem.retry}
      </button>
    </div>
  );
}

/** What is wrong, across the top. */
function Strips({ state }: { state: State }) {
  const { m, controller } = useScene();
  const name = useNamed();
  const faults = Object.values(state.faults).flat();
  const lost = state.live.kind === "lost";
  // The banner of a lost connection or database already says what this problem would say again.
  const explained =
    (lost && state.problem?.kind === "unreachable") ||
    (state.health?.database === false && state.problem?.kind === "refused");
  return (
    <>
      <NotLive live={state.live} />
      {state.problem && state.phase === "ready" && !explained && (
        <div class="strip warn" role="alert">
          <Icon name="warning" size={22} />
          <p>{faultText(state.problem, m, name)}</p>
          <button type="button" class="button" onClick={controller.retry}>
            {m.problem.retry}
          </button>
        </div>
      )}
      {!lost && state.health && !(state.health.database && state.health.broker) && (
        <div class="strip alarm" role="alert">
          <Icon name="warning" size={22} />
          <p>{state.health.database ? m.problem.broker : m.problem.database}</p>
        </div>
      )}
      {faults.length > 0 && (
        <div class="strip warn" role="alert">
          <Icon name="warning" size={22} />
          <p>{m.problem.skipped(faults.length, faults[0] ?? "")}</p>
        </div>
      )}
    </>
  );
}
