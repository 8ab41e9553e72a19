// Panels over the page: boxes and cameras, unreadable messages, keys.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Box, CameraWatch, DeadLetter, Health, SensorWatch } from "../model.ts";
import { spanText } from "../text/time.ts";
import { Icon } from "./icons.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Moment } from "./times.tsx";

export type PanelName = "boxes" | "flights" | "dead-letters" | "keys";

export function Panel({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const { m } = useScene();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      class="panel"
      ref={dialog}
      aria-label={title}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose(); // beside the panel
      }}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label={m.close} title={m.close} onClick={onClose}>
          <Icon name="close" size={24} />
        </button>
      </header>
      <div class="panel-body">{children}</div>
    </dialog>
  );
}

interface BoxesProps {
  boxes: readonly Box[];
  health: Health | null;
  onClose: () => void;
}

export function BoxesPanel({ boxes, health, onClose }: BoxesProps) {
  const { m } = useScene();
  const { latency_p50_s: half_s = null, latency_p95_s: most_s = null } = health ?? {};
  const seconds = (value: number): string => (value < 10 ? m.time.seconds(Number(value.toFixed(1))) : spanText(value, m));
  return (
    <Panel title={m.boxes.title} onClose={onClose}>
      {boxes.length === 0 && <p>{m.boxes.empty}</p>}
      {half_s !== null && most_s !== null && <p class="hint">{m.boxes.latency(seconds(half_s), seconds(most_s))}</p>}
      {boxes.map((box) => (
        <BoxCard key={box.box} box={box} />
      ))}
    </Panel>
  );
}

function BoxCard({ box }: { box: Box }) {
  const { m } = useScene();
  const name = useNamed();
  const b = m.boxes;
  const waits = [
    box.outbox_waiting > 0 ? b.outbox(box.outbox_waiting) : "",
    box.outbox_refused > 0 ? b.refused(box.outbox_refused) : "",
    box.evidence_waiting > 0 ? b.evidence(box.evidence_waiting) : "",
  ].filter(Boolean);
  return (
    <section class={`card box ${box.state}`}>
      <h3>
        <Icon name="box" size={22} />
        {box.name ? name(box.name) : box.box} <span class="hint">{box.box}</span>
        <span class={`badge box-${box.state}`}>{m.boxState[box.state]}</span>
      </h3>
      {!box.configured && <p class="warn-text">{b.unconfigured}</p>}
      {box.state === "stale" && <p class="warn-text">{b.stale}</p>}
      {box.state === "offline" && <p class="warn-text">{b.offline}</p>}
      <p class="hint box-line">
        {box.heard_at === null ? (
          <span>{b.neverHeard}</span>
        ) : (
          <span>
            {b.heard}{" "}
            <Moment at={box.heard_at} />
          </span>
        )}
        {box.software && <span>{b.software(box.software)}</span>}
        <span class={waits.length > 0 ? "warn-text" : ""}>{waits.length > 0 ? waits.join(" · ") : b.nothingWaits}</span>
      </p>
      {box.state !== "never" && box.cameras.length + box.sensors.length === 0 && <p class="hint">{b.noCameras}</p>}
      {box.cameras.length > 0 && (
        <ul class="cameras">
          {box.cameras.map((camera) => (
            <CameraRow key={camera.camera} camera={camera} dark={box.state !== "online"} />
          ))}
        </ul>
      )}
      {box.sensors.length > 0 && (
        <ul class="cameras">
          {box.sensors.map((sensor) => (
            <SensorRow key={sensor.sensor} sensor={sensor} dark={box.state !== "online"} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** `dark`: the box is not online, so that what it last said may no longer hold. */
function CameraRow({ camera, dark }: { camera: CameraWatch; dark: boolean }) {
  const { m } = useScene();
  const name = useNamed();
  return (
    <li class={`${camera.state}${dark ? " dark" : ""}`}>
      <Icon name="camera" size={20} />
      <span class="camera-name">
        {camera.name ? name(camera.name) : camera.camera} <span class="hint">{camera.camera}</span>
      </span>
      <span class={`badge camera-${camera.state}`}>{dark ? m.boxes.lastSaid(m.cameraState[camera.state]) : m.cameraState[camera.state]}</span>
      <dl>
        <div>
          <dt>{m.boxes.lastFrame}</dt>
          <dd>{camera.last_frame_at === null ? "–" : <Moment at={camera.last_frame_at} />}</dd>
        </div>
        <div>
          <dt>{m.boxes.looks}</dt>
          <dd>{camera.looks}</dd>
        </div>
        <div class={camera.unwatched_s >= 1 ? "warn-text" : ""}>
          <dt>{m.boxes.unwatched}</dt>
          <dd>{spanText(camera.unwatched_s, m)}</dd>
        </div>
      </dl>
      {camera.state === "lost" && <p class="warn-text">{camera.detail}</p>}
    </li>
  );
}

const SENSOR_LOOKS: Record<SensorWatch["state"], string> = {
  waiting: "starting",
  heard: "watching",
  alarm: "lost",
  silent: "lost",
  refused: "lost",
};

/** What a sensor last said stands as long as its box is online; its state has the colours of a camera's. */
function SensorRow({ sensor, dark }: { sensor: SensorWatch; dark: boolean }) {
  const { m } = useScene();
  const name = useNamed();
  const look = SENSOR_LOOKS[sensor.state];
  return (
    <li class={`${look}${dark ? " dark" : ""}`}>
      <Icon name="sensor" size={20} />
      <span class="camera-name">
        {sensor.name ? name(sensor.name) : sensor.sensor} {sensor.room && `· ${sensor.room} `}
        <span class="hint">{sensor.sensor}</span>
      </span>
      <span class={`badge camera-${look}`}>{dark ? m.boxes.lastSaid(m.sensorState[sensor.state]) : m.sensorState[sensor.state]}</span>
      <dl>
        <div>
          <dt>{m.boxes.lastHeard}</dt>
          <dd>{sensor.last_heard_at === null ? "–" : <Moment at={sensor.last_heard_at} />}</dd>
        </div>
        <div>
          <dt>{m.boxes.messages}</dt>
          <dd>{sensor.messages}</dd>
        </div>
        <div class={sensor.unreadable > 0 ? "warn-text" : ""}>
          <dt>{m.boxes.unreadable}</dt>
          <dd>{sensor.unreadable}</dd>
        </div>
      </dl>
      {sensor.state === "refused" && <p class="warn-text">{sensor.detail}</p>}
    </li>
  );
}

export function DeadLettersPanel({ letters, onClose }: { letters: readonly DeadLetter[]; onClose: () => void }) {
  const { m } = useScene();
  const name = useNamed();
  return (
    <Panel title={m.dead.title} onClose={onClose}>
      <p class="hint">{letters.length === 0 ? m.dead.empty : m.dead.text}</p>
      <ol class="letters">
        {letters.map((letter) => (
          <li key={letter.id} class="card">
            <p class="letter-reason">
              <Icon name="warning" size={20} /> {name(letter.reason)}
            </p>
            <dl>
              <dt>{m.dead.topic}</dt>
              <dd>
                <code>{letter.topic}</code>
              </dd>
              <dt>{m.dead.received}</dt>
              <dd>
                <Moment at={letter.received_at} />
                {letter.times > 1 && <strong> {m.dead.times(letter.times)}</strong>}
                {letter.size_bytes !== null && <span class="hint"> {m.dead.size(String(letter.size_bytes))}</span>}
              </dd>
            </dl>
            {letter.excerpt && (
              <details>
                <summary>{m.dead.excerpt}</summary>
                <pre>{letter.excerpt}</pre>
              </details>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

export function KeysPanel({ onClose }: { onClose: () => void }) {
  const { m } = useScene();
  const rows: readonly (readonly [string, string])[] = [
    ["j  ↓", m.keys.next],
    ["k  ↑", m.keys.previous],
    ["Enter", m.keys.open],
    ["Esc", m.keys.close],
    ["/", m.keys.search],
    ["o", m.keys.state],
    ["f", m.keys.flights],
    ["?", m.keys.help],
  ];
  return (
    <Panel title={m.keys.title} onClose={onClose}>
      <dl class="keys">
        {rows.map(([key, text]) => (
          <div key={key}>
            <dt>
              {key.split("  ").map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
