// Drones in the air on the map: where they are, where they point, where they came from, and whether that still holds.

import { useNow } from "../clock.ts";
import { freshness, keyOf, presenceOf, type Drone, type Station } from "../flights.ts";
import { toMetres, toPixel, type Pixel, type Size, type View } from "../geometry.ts";
import type { Plan } from "../mapping.ts";
import { metresText, percentText } from "../text/explain.ts";
import { agoText } from "../text/time.ts";
import type { Messages } from "../messages/catalogue.ts";
import { useNamed, useScene } from "./scene.tsx";

const NAME_PX = 130; // room for “battery · height”
const PIECES = 5; // a track fades in as many steps
const ROTORS = [
  [-5.5, -5.5],
  [5.5, -5.5],
  [-5.5, 5.5],
  [5.5, 5.5],
] as const;
export const LOW_BATTERY = 0.25; // the usual reserve of a plan
export const WEAK_LINK = 0.1;

export interface Aircraft {
  readonly drone: Drone;
  readonly at: Pixel;
  readonly track: readonly Pixel[];
  /** Its name stands on the side where there is room. */
  readonly side: "left" | "right";
}

export function aircraftOf(drones: Iterable<Drone>, plan: Plan, view: View, size: Size): Aircraft[] {
  const pixel = (lon_deg: number, lat_deg: number): Pixel => toPixel(toMetres(lon_deg, lat_deg, plan.frame), view, size);
  return [...drones].map((drone) => {
    const at = pixel(drone.position.lon_deg, drone.position.lat_deg);
    const side = at.x > size.width_px - NAME_PX ? "left" : "right";
    return { drone, at, side, track: [...drone.track.map((point) => pixel(point.lon_deg, point.lat_deg)), at] };
  });
}

/** Battery, height, speed, link: what there is to say about a drone in the air. */
export function factsOf(drone: Drone, m: Messages): string[] {
  const f = m.flights;
  return [
    ...(drone.battery === null ? [] : [f.battery(percentText(drone.battery))]),
    f.height(metresText(Math.max(0, drone.height_m))),
    ...(drone.speed_ms === null ? [] : [f.speed(drone.speed_ms.toFixed(1))]),
    f.link(percentText(1 - drone.link_loss)),
  ];
}

interface Props {
  aircraft: readonly Aircraft[];
  stations: readonly Station[];
  onChoose?: () => void;
}

export function Aircrafts({ aircraft, stations, onChoose }: Props) {
  const now = useNow();
  const gone = new Set(stations.filter((each) => presenceOf(each, now) !== "online").map((each) => each.station));
  return (
    <g class="drones">
      {aircraft.map(({ drone, track }) => (
        <Track key={`track-${keyOf(drone)}`} points={track} />
      ))}
      {aircraft.map(({ drone, at, side }) => (
        <OnMap
          key={keyOf(drone)}
          drone={drone}
          at={at}
          side={side}
          now={now}
          gone={gone.has(drone.station)}
          {...(onChoose ? { onChoose } : {})}
        />
      ))}
    </g>
  );
}

function Track({ points }: { points: readonly Pixel[] }) {
  const step = Math.max(1, Math.ceil((points.length - 1) / PIECES));
  const pieces = Array.from({ length: PIECES }, (_, index) => points.slice(index * step, (index + 1) * step + 1));
  return (
    <>
      {pieces.map((piece, index) =>
        piece.length < 2 ? null : (
          <polyline
            key={index}
            class="drone-track"
            opacity={(index + 1) / PIECES}
            points={piece.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(" ")}
          />
        ),
      )}
    </>
  );
}

interface OnMapProps {
  drone: Drone;
  at: Pixel;
  side: "left" | "right";
  now: number;
  gone: boolean;
  onChoose?: () => void;
}

function OnMap({ drone, at, side, now, gone, onChoose }: OnMapProps) {
  const { m } = useScene();
  const name = useNamed();
  const called = name(drone.drone.name);
  const state = freshness(drone.heard_at, now);
  const believed = state === "fresh" && !gone;
  const low = drone.battery !== null && drone.battery < LOW_BATTERY;
  const weak = drone.link_loss > WEAK_LINK;
  const share = drone.battery === null ? "" : `${percentText(drone.battery)} · `;
  const link = weak ? ` · ${m.flights.link(percentText(1 - drone.link_loss))}` : "";
  const line = state === "fresh" ? `${share}${metresText(Math.max(0, drone.height_m))} m${link}` : agoText(drone.heard_at, now, m);
  const text = side === "right" ? { x: 19 } : { x: -19, "text-anchor": "end" as const };
  const facts = [...factsOf(drone, m), ...(state === "fresh" ? [] : [m.flights.poseAt(agoText(drone.heard_at, now, m))])];
  const label = m.flights.onMap(called, [...facts, ...(gone ? [m.boxState.offline] : [])].join(", "));
  return (
    <g
      class={`drone ${believed ? "fresh" : state === "fresh" ? "old" : state}${low || weak ? " low" : ""}`}
      data-drone={drone.drone.id}
      transform={`translate(${at.x} ${at.y})`}
    >
      <g
        class="craft"
        {...(onChoose
          ? {
              role: "button",
              tabIndex: 0,
              "aria-label": label,
              onClick: onChoose,
              onKeyDown: (event: KeyboardEvent) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                event.stopPropagation();
                onChoose();
              },
            }
          : { role: "img", "aria-label": label })}
      >
        <title>{label}</title>
        <g transform={`rotate(${drone.yaw_deg ?? 0})`}>
          {drone.yaw_deg !== null && <path class="nose" d="M0 -21L6.5 -11.5h-13z" />}
          <circle class="body" r="12" />
          <path class="arms" d="M-5 -5L5 5M5 -5L-5 5" />
          {ROTORS.map(([x, y]) => (
            <circle key={`${x}${y}`} class="rotor" cx={x} cy={y} r="3" />
          ))}
        </g>
      </g>
      <text class="drone-name" {...text} y="-3">
        {called}
      </text>
      <text class="drone-facts" {...text} y="11">
        {line}
      </text>
    </g>
  );
}
