// The live list: newest first. What arrives does not move what is being looked at.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Incident } from "../model.ts";
import type { State } from "../state.ts";
import { Badges } from "./badges.tsx";
import { HazardMark, Icon } from "./icons.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Ago, Deadline, useUrgency } from "./times.tsx";

const SEEN_AFTER_MS = 12_000; // a new row in sight stays marked this long

interface RowProps {
  incident: Incident;
  selected: boolean;
  fresh: boolean;
}

const Row = memo(function Row({ incident, selected, fresh }: RowProps) {
  const { m, choose } = useScene();
  const name = useNamed();
  const urgency = useUrgency(incident, 5); // the row's edge may be late by that; its text is not
  return (
    <li class={`row ${urgency}${selected ? " selected" : ""}${fresh ? " new" : ""}`} data-incident={incident.incident_id}>
      <button
        type="button"
        aria-current={selected ? "true" : undefined}
        onClick={() => choose(incident.incident_id, selected ? "replace" : "push")}
      >
        <span class="thumb">
          {incident.thumbnail ? <img src={incident.thumbnail} alt="" loading="lazy" decoding="async" /> : null}
          <HazardMark hazard={incident.hazard} size={incident.thumbnail ? 30 : 44} />
        </span>
        <span class="what">
          <span class="line title">
            <strong>{m.hazard[incident.hazard]}</strong>
            <Badges incident={incident} fresh={fresh} alerts={false} />
          </span>
          <span class="line where">
            <span>{name(incident.camera.name)}</span>
            {incident.unit && <span class="unit">{name(incident.unit.name)}</span>}
          </span>
          <span class="line meta">{incident.case_number}</span>
          <span class="line due">
            <Deadline incident={incident} />
            <Ago at={incident.found_at} />
          </span>
        </span>
      </button>
    </li>
  );
});

interface ListProps {
  state: State;
  rows: readonly Incident[];
  onReset: () => void;
}

export function List({ state, rows, onReset }: ListProps) {
  const { m, controller } = useScene();
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ id: string; top_px: number } | null>(null);
  const [above, setAbove] = useState(0);

  /** Remember which row stands at the top, and where. */
  function mark(): void {
    const box = scroller.current;
    if (!box) return;
    const top = box.getBoundingClientRect().top;
    anchor.current = null;
    let fresh = 0;
    for (const row of box.querySelectorAll<HTMLElement>("[data-incident]")) {
      const rect = row.getBoundingClientRect();
      if (rect.bottom <= top + 8) {
        if (row.classList.contains("new")) fresh += 1;
        continue;
      }
      if (box.scrollTop > 8) anchor.current = { id: row.dataset["incident"] ?? "", top_px: rect.top - top };
      break;
    }
    setAbove(fresh);
  }

  // Rows came or went: put the row that stood at the top back to where it stood.
  useLayoutEffect(() => {
    const box = scroller.current;
    const kept = anchor.current;
    if (box && kept) {
      const row = box.querySelector(`[data-incident="${CSS.escape(kept.id)}"]`);
      if (row) box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - kept.top_px;
    }
    mark();
  }, [rows]);

  // New rows that are in sight are no longer new after a while.
  useEffect(() => {
    if (state.fresh.size === 0) return;
    const timer = setTimeout(() => {
      const box = scroller.current;
      if (!box || document.visibilityState !== "visible") return;
      const frame = box.getBoundingClientRect();
      const seen = [...box.querySelectorAll<HTMLElement>(".row.new")].filter((row) => {
        const rect = row.getBoundingClientRect();
        return rect.top < frame.bottom && rect.bottom > frame.top;
      });
      if (seen.length > 0) controller.settle(seen.map((row) => row.dataset["incident"] ?? ""));
    }, SEEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [state.fresh, above]);

  // The selected row is kept in sight when the keyboard moves it.
  useEffect(() => {
    if (state.selected === null) return;
    const row = scroller.current?.querySelector(`[data-incident="${CSS.escape(state.selected)}"]`);
    row?.scrollIntoView({ block: "nearest" });
    mark();
  }, [state.selected]);

  return (
    <div class="scroller" ref={scroller} onScroll={mark} tabIndex={-1}>
      {above > 0 && (
        <button
          type="button"
          class="arrived"
          onClick={() => {
            anchor.current = null;
            scroller.current?.scrollTo({ top: 0, behavior: "auto" });
          }}
        >
          ↑ {m.list.fresh(above)}
        </button>
      )}
      {rows.length === 0 ? (
        <Empty state={state} onReset={onReset} />
      ) : (
        <ol class="rows" aria-label={m.list.title}>
          {rows.map((incident) => (
            <Row
              key={incident.incident_id}
              incident={incident}
              selected={incident.incident_id === state.selected}
              fresh={state.fresh.has(incident.incident_id)}
            />
          ))}
        </ol>
      )}
      {state.more && (
        <button type="button" class="older" disabled={state.loadingOlder} onClick={controller.older}>
          {state.loadingOlder ? m.list.olderBusy : m.list.older}
        </button>
      )}
    </div>
  );
}

function Empty({ state, onReset }: { state: State; onReset: () => void }) {
  const { m } = useScene();
  const filtered = state.filter.hazard !== "any" || state.filter.search.trim() !== "";
  const [title, text] = filtered
    ? [m.list.emptyMatchTitle, m.list.emptyMatchText]
    : state.filter.state === "open"
      ? [m.list.emptyOpenTitle, m.list.emptyOpenText]
      : [m.list.emptyAllTitle, m.list.emptyAllText];
  return (
    <div class="empty">
      <Icon name={filtered ? "search" : "nothing"} size={44} />
      <p class="empty-title">{title}</p>
      <p>{text}</p>
      {filtered && (
        <button type="button" class="button" onClick={onReset}>
          {m.list.showAll}
        </button>
      )}
    </div>
  );
}
