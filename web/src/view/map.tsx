// The district as an SVG map drawn from the configuration: no tiles, no network. Drag, wheel, buttons.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  around,
  placed,
  scaleBar,
  toMetres,
  toPixel,
  viewOf,
  zoomedAt,
  type Metres,
  type Pixel,
  type Size,
  type View,
} from "../geometry.ts";
import { labelsOf, pathOf, planOf, shapesOf, wedgePath, type Plan, type Shape } from "../mapping.ts";
import type { Drone, Station } from "../flights.ts";
import type { FeatureKind, Incident } from "../model.ts";
import { metresText } from "../text/explain.ts";
import { Aircrafts, aircraftOf } from "./drones.tsx";
import { HazardGlyph, Icon, type IconName } from "./icons.tsx";
import { useNamed, useScene } from "./scene.tsx";

const NEIGHBOURHOOD_M = 75; // what is shown around an incident: the street it is in
const WEDGE_M = 45; // how far a camera's view is drawn; how far it really sees depends on what stands there
const AREAS: readonly FeatureKind[] = ["cell", "building", "fire_lane"];

interface Props {
  plan: Plan | null;
  failed: boolean;
  incidents: readonly Incident[];
  /** The incident in focus: the map stands around it. */
  focus: Incident | null;
  /** Whether the wheel zooms by itself, or, on a page that scrolls, only with Ctrl. */
  wheel: "zooms" | "zooms with ctrl";
  onChoose?: (id: string) => void;
  drones: Iterable<Drone>;
  stations: readonly Station[];
  onDrone?: () => void;
}

export function DistrictMap({ plan, failed, ...rest }: Props) {
  const { m } = useScene();
  const holder = useRef<HTMLDivElement>(null);
  const size = useSize(holder);
  return (
    <div class="map" ref={holder}>
      {plan === null || size === null ? (
        <p class="map-note">{failed ? m.map.failed : m.map.loading}</p>
      ) : (
        <Drawn plan={plan} size={size} {...rest} />
      )}
    </div>
  );
}

function useSize(holder: { current: HTMLDivElement | null }): Size | null {
  const [size, setSize] = useState<Size | null>(null);
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return;
    const measure = (): void => {
      const { clientWidth: width_px, clientHeight: height_px } = element;
      if (width_px > 0 && height_px > 0) setSize({ width_px, height_px });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

function spotOf(incident: Incident, plan: Plan): Metres | null {
  const { position } = incident;
  return position === null ? null : toMetres(position.lon_deg, position.lat_deg, plan.frame);
}

function cameraOf(incident: Incident, plan: Plan): Shape | undefined {
  return shapesOf(plan, "camera").find((shape) => shape.feature.id === incident.camera.id);
}

function home(plan: Plan, size: Size, focus: Incident | null): View {
  const spot = focus === null ? null : spotOf(focus, plan);
  const camera = focus === null ? undefined : cameraOf(focus, plan);
  const points = [...(spot ? [spot] : []), ...(camera ? camera.points : [])];
  if (points.length === 0) return viewOf(plan.bounds, size, 14);
  const reach_m = Math.max(NEIGHBOURHOOD_M, (focus?.position?.accuracy_m ?? 0) * 1.3);
  const east = points.map((point) => point.east_m);
  const north = points.map((point) => point.north_m);
  const middle = {
    east_m: (Math.min(...east) + Math.max(...east)) / 2,
    north_m: (Math.min(...north) + Math.max(...north)) / 2,
  };
  return viewOf(
    {
      west_m: Math.min(...east, middle.east_m - reach_m),
      east_m: Math.max(...east, middle.east_m + reach_m),
      south_m: Math.min(...north, middle.north_m - reach_m * 0.6),
      north_m: Math.max(...north, middle.north_m + reach_m * 0.6),
    },
    size,
    10,
  );
}

type DrawnProps = Omit<Props, "plan" | "failed"> & { plan: Plan; size: Size };

function Drawn({ plan, size, incidents, focus, wheel: wheelMode, onChoose, drones, stations, onDrone }: DrawnProps) {
  const { m, language } = useScene();
  const name = useNamed();
  const start = home(plan, size, focus);
  const [moved, setMoved] = useState<View | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const drag = useRef<{ at: Pixel; from: View; on: boolean } | null>(null);
  const view = moved ?? start;
  const latest = useRef(view);
  latest.current = view;

  useEffect(() => setMoved(null), [focus?.incident_id]);

  // A wheel listener that may stop the page from scrolling has to be registered by hand.
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const wheel = (event: WheelEvent): void => {
      if (wheelMode === "zooms with ctrl" && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const frame = element.getBoundingClientRect();
      const at = { x: event.clientX - frame.left, y: event.clientY - frame.top };
      setMoved(zoomedAt(latest.current, size, at, Math.exp(Math.max(-120, Math.min(120, event.deltaY)) / 300)));
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [size, wheelMode]);

  const middle = { x: size.width_px / 2, y: size.height_px / 2 };
  const zoom = (factor: number): void => setMoved(zoomedAt(view, size, middle, factor));
  const spots = incidents.flatMap((incident) => {
    const spot = spotOf(incident, plan);
    return spot === null ? [] : [{ incident, at: toPixel(spot, view, size) }];
  });
  const focusSpot = focus === null ? null : spotOf(focus, plan);
  const watching = focus === null ? undefined : cameraOf(focus, plan);
  const symbols = [...shapesOf(plan, "camera"), ...shapesOf(plan, "ponding_point")].map((shape) => ({
    shape,
    at: toPixel(shape.points[0]!, view, size),
  }));
  const aircraft = aircraftOf(drones, plan, view, size);
  const labels = placed(labelsOf(plan, view, size, language), size, [
    ...spots.map(({ at }) => around({ x: at.x, y: at.y - 14 }, 17)),
    ...symbols.map(({ at }) => around(at, 9)),
    ...aircraft.map(({ at }) => around(at, 20)),
    { left: 0, right: 60, top: 0, bottom: 40 }, // the compass
    { left: 0, right: 190, top: size.height_px - 34, bottom: size.height_px }, // the scale
    { left: size.width_px - 190, right: size.width_px, top: size.height_px - 58, bottom: size.height_px }, // the buttons
  ]);
  const scale = 1 / view.metresPerPixel;
  const origin = toPixel({ east_m: 0, north_m: 0 }, view, size);
  const bar = scaleBar(view.metresPerPixel, Math.min(110, size.width_px / 3));

  return (
    <>
      <svg
        ref={svg}
        class="district"
        width={size.width_px}
        height={size.height_px}
        role="group"
        aria-label={m.map.label}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          drag.current = { at: { x: event.clientX, y: event.clientY }, from: view, on: false };
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (!from) return;
          const dx = event.clientX - from.at.x;
          const dy = event.clientY - from.at.y;
          if (!from.on && Math.hypot(dx, dy) < 4) return; // a click, so far
          from.on = true;
          if (!event.currentTarget.hasPointerCapture(event.pointerId)) event.currentTarget.setPointerCapture(event.pointerId);
          const { middle: was, metresPerPixel } = from.from;
          setMoved({
            metresPerPixel,
            middle: { east_m: was.east_m - dx * metresPerPixel, north_m: was.north_m + dy * metresPerPixel },
          });
        }}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
      >
        <Ground plan={plan} transform={`translate(${origin.x} ${origin.y}) scale(${scale})`} scale={scale} watching={watching} />
        {symbols.map(({ shape, at }) => (
          <Symbol key={`${shape.feature.kind}-${shape.feature.id}`} shape={shape} at={at} lit={shape === watching} />
        ))}
        {labels.map((label) => (
          <text
            key={label.key}
            class={`label ${label.tone}`}
            x={label.x}
            y={label.y}
            font-size={label.size_px}
            text-anchor="middle"
            dominant-baseline="central"
            transform={label.turn_deg ? `rotate(${label.turn_deg} ${label.x} ${label.y})` : undefined}
          >
            {label.text}
          </text>
        ))}
        {focus && focusSpot && (
          <circle
            class="accuracy"
            cx={toPixel(focusSpot, view, size).x}
            cy={toPixel(focusSpot, view, size).y}
            r={Math.max(3, (focus.position?.accuracy_m ?? 0) * scale)}
          >
            <title>{`${m.map.accuracy}: ${metresText(focus.position?.accuracy_m ?? 0)} m`}</title>
          </circle>
        )}
        {spots.map(({ incident, at }) => (
          <Marker
            key={incident.incident_id}
            incident={incident}
            at={at}
            label={`${m.hazard[incident.hazard]}, ${name(incident.camera.name)}, ${incident.case_number}`}
            {...(onChoose ? { onChoose } : {})}
          />
        ))}
        <Aircrafts aircraft={aircraft} stations={stations} {...(onDrone ? { onChoose: onDrone } : {})} />
      </svg>
      <div class="scale" aria-hidden="true">
        <span ref={(element) => element?.style.setProperty("width", `${bar.length_px}px`)} />
        {bar.length_m >= 1000 ? `${bar.length_m / 1000} km` : `${bar.length_m} m`}
      </div>
      <div class="compass" aria-hidden="true">
        <svg width="12" height="14" viewBox="0 0 12 14">
          <path d="M6 0l5 13-5-3.2L1 13z" fill="currentColor" />
        </svg>
        {m.map.north}
      </div>
      <div class="map-buttons">
        <MapButton icon="plus" label={m.map.zoomIn} onClick={() => zoom(1 / 1.5)} />
        <MapButton icon="minus" label={m.map.zoomOut} onClick={() => zoom(1.5)} />
        <MapButton icon="whole" label={m.map.whole} onClick={() => setMoved(viewOf(plan.bounds, size, 14))} />
        {focus && <MapButton icon="target" label={m.map.toIncident} onClick={() => setMoved(null)} />}
      </div>
    </>
  );
}

function MapButton({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) {
  return (
    <button type="button" title={label} aria-label={label} onClick={onClick}>
      <Icon name={icon} size={20} />
    </button>
  );
}

interface GroundProps {
  plan: Plan;
  transform: string;
  scale: number;
  watching: Shape | undefined;
}

/** Everything that has a size on the ground; `transform` brings metres to pixels. */
function Ground({ plan, transform, scale, watching }: GroundProps) {
  const paths = useMemo(
    () => ({
      edge: shapesOf(plan, "boundary").map((shape) => pathOf(shape.points, true)),
      roads: shapesOf(plan, "road").map((shape) => ({ d: pathOf(shape.points, false), width_m: shape.feature.width_m ?? 6 })),
      areas: AREAS.map((kind) => ({ kind, all: shapesOf(plan, kind).map((shape) => pathOf(shape.points, true)) })),
    }),
    [plan],
  );
  const areas = (kind: FeatureKind) =>
    paths.areas.find((each) => each.kind === kind)?.all.map((d) => <path key={d} class={kind} d={d} />);
  const at = watching?.points[0];
  const { yaw_deg, hfov_deg } = watching?.feature ?? { yaw_deg: null, hfov_deg: null };
  return (
    <g class="ground" transform={transform}>
      {paths.edge.map((d) => (
        <path key={d} class="boundary" d={d} />
      ))}
      {paths.roads.map(({ d, width_m }) => (
        <path key={d} class="road" d={d} stroke-width={Math.max(width_m, 2.5 / scale)} />
      ))}
      {areas("cell")}
      {areas("building")}
      {areas("fire_lane")}
      {at && yaw_deg !== null && <path class="wedge" d={wedgePath(at, yaw_deg, hfov_deg ?? 60, WEDGE_M)} />}
    </g>
  );
}

function Symbol({ shape, at, lit }: { shape: Shape; at: Pixel; lit: boolean }) {
  const name = useNamed();
  const { m } = useScene();
  const { kind, yaw_deg } = shape.feature;
  const title = shape.feature.name ? `${m.feature[kind]}: ${name(shape.feature.name)}` : m.feature[kind];
  if (kind === "ponding_point") {
    return (
      <g class="symbol ponding_point" transform={`translate(${at.x} ${at.y})`}>
        <title>{title}</title>
        <path d="M0 -6.5C2.6 -3 4.6 -.7 4.6 1.8a4.6 4.6 0 0 1 -9.2 0C-4.6 -.7 -2.6 -3 0 -6.5z" />
      </g>
    );
  }
  return (
    <g class={`symbol camera${lit ? " lit" : ""}`} transform={`translate(${at.x} ${at.y}) rotate(${yaw_deg ?? 0})`}>
      <title>{title}</title>
      <circle r="9" />
      <path d="M-3.4 5V-2.2h6.8V5z M-2 -2.2L-3.4 -5.4h6.8L2 -2.2z" />
    </g>
  );
}

interface MarkerProps {
  incident: Incident;
  at: Pixel;
  label: string;
  onChoose?: (id: string) => void;
}

/** A pin whose point stands on the spot. */
function Marker({ incident, at, label, onChoose }: MarkerProps) {
  const choose = onChoose && (() => onChoose(incident.incident_id));
  return (
    <g
      class={`pin hazard-${incident.hazard}${incident.ended_at === null ? "" : " ended"}`}
      transform={`translate(${at.x} ${at.y})`}
      {...(choose
        ? {
            role: "button",
            tabIndex: 0,
            "aria-label": label,
            onClick: choose,
            onKeyDown: (event: KeyboardEvent) => {
              if (event.key === "Enter" || event.key === " ") {
                event.preventDefault();
                event.stopPropagation();
                choose();
              }
            },
          }
        : { role: "img", "aria-label": label })}
    >
      <title>{label}</title>
      <path d="M0 0C-4.5 -6.5 -14 -10.5 -14 -20a14 14 0 0 1 28 0C14 -10.5 4.5 -6.5 0 0z" />
      <HazardGlyph hazard={incident.hazard} x={0} y={-20} size={18} />
    </g>
  );
}

/** The district's plan, made once. */
export function usePlan(district: Parameters<typeof planOf>[0] | null): Plan | null {
  return useMemo(() => (district === null ? null : planOf(district)), [district]);
}
