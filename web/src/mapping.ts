// The district as shapes in metres, prepared once: what the map draws at every zoom. Pure.

import { boundsOf, toMetres, type Bounds, type Frame, type Metres, type Pixel, type Size } from "./geometry.ts";
import { clipped, textWidth, toPixel, type Label, type View } from "./geometry.ts";
import type { District, Feature, FeatureKind, Language } from "./model.ts";
import { named } from "./messages/catalogue.ts";

export interface Shape {
  readonly feature: Feature;
  readonly points: readonly Metres[];
  readonly bounds: Bounds;
}

export interface Plan {
  readonly frame: Frame;
  readonly bounds: Bounds;
  readonly shapes: readonly Shape[];
}

/** The district around its own middle, or null when it has no shape at all. */
export function planOf(district: District): Plan | null {
  const edge = district.features.find((feature) => feature.kind === "boundary")?.points;
  const all = edge ?? district.features.flatMap((feature) => feature.points);
  if (all.length === 0) return null;
  const lons = all.map((point) => point[0]);
  const lats = all.map((point) => point[1]);
  const frame = {
    lon_deg: (Math.min(...lons) + Math.max(...lons)) / 2,
    lat_deg: (Math.min(...lats) + Math.max(...lats)) / 2,
  };
  const shapes = district.features.flatMap((feature): Shape[] => {
    const points = feature.points.map(([lon, lat]) => toMetres(lon, lat, frame));
    const bounds = boundsOf(points);
    return bounds === null ? [] : [{ feature, points, bounds }];
  });
  const bounds = boundsOf(all.map(([lon, lat]) => toMetres(lon, lat, frame)));
  return bounds === null ? null : { frame, bounds, shapes };
}

export function shapesOf(plan: Plan, kind: FeatureKind): Shape[] {
  return plan.shapes.filter((shape) => shape.feature.kind === kind);
}

/** An SVG path; north is up, so y is turned around. */
export function pathOf(points: readonly Metres[], closed: boolean): string {
  const steps = points.map((point, index) => `${index ? "L" : "M"}${point.east_m.toFixed(2)} ${(-point.north_m).toFixed(2)}`);
  return steps.join("") + (closed ? "Z" : "");
}

/** A camera's view as a wedge of `reach_m` metres; yaw is clockwise from north. */
export function wedgePath(at: Metres, yaw_deg: number, hfov_deg: number, reach_m: number): string {
  const edge = (turn_deg: number): string => {
    const turn = ((yaw_deg + turn_deg) * Math.PI) / 180;
    return `${(at.east_m + reach_m * Math.sin(turn)).toFixed(2)} ${(-(at.north_m + reach_m * Math.cos(turn))).toFixed(2)}`;
  };
  const large = hfov_deg > 180 ? 1 : 0;
  return `M${at.east_m.toFixed(2)} ${(-at.north_m).toFixed(2)}L${edge(-hfov_deg / 2)}A${reach_m} ${reach_m} 0 ${large} 1 ${edge(hfov_deg / 2)}Z`;
}

const RANK: Record<FeatureKind, number> = {
  camera: 1,
  fire_lane: 2,
  road: 3,
  ponding_point: 5,
  building: 4,
  cell: 6,
  boundary: 9,
};
const SIZE_PX: Record<FeatureKind, number> = {
  camera: 13,
  fire_lane: 12,
  road: 13,
  ponding_point: 12,
  building: 12,
  cell: 13,
  boundary: 13,
};

/** The names that could stand on the map in this view; which of them fit is decided by `placed`. */
export function labelsOf(plan: Plan, view: View, size: Size, language: Language): Label[] {
  return plan.shapes.flatMap((shape): Label[] => {
    const { kind, id, name } = shape.feature;
    const text = name === null ? (kind === "cell" ? id : "") : named(name, language);
    if (text === "" || kind === "boundary") return [];
    const size_px = SIZE_PX[kind];
    const spot = kind === "road" ? roadSpot(shape, view, size) : middleSpot(shape, view, size, kind, text);
    if (spot === null) return [];
    return [{ key: `${kind}-${id}`, text, ...spot, size_px, rank: RANK[kind], tone: kind }];
  });
}

type Spot = Pick<Label, "x" | "y" | "turn_deg">;

/** Names of areas stand in their middle if they fit in, names of points below them. */
function middleSpot(shape: Shape, view: View, size: Size, kind: FeatureKind, text: string): Spot | null {
  const { bounds } = shape;
  const middle = { east_m: (bounds.west_m + bounds.east_m) / 2, north_m: (bounds.south_m + bounds.north_m) / 2 };
  const at = toPixel(middle, view, size);
  if (shape.feature.shape === "point") return { x: at.x, y: at.y + 19, turn_deg: 0 };
  const across_px = (bounds.east_m - bounds.west_m) / view.metresPerPixel;
  const down_px = (bounds.north_m - bounds.south_m) / view.metresPerPixel;
  const needed_px = textWidth(text, SIZE_PX[kind]);
  if (kind === "cell") {
    const corner = toPixel({ east_m: bounds.west_m, north_m: bounds.north_m }, view, size);
    return across_px < needed_px + 20 ? null : { x: corner.x + needed_px / 2 + 8, y: corner.y + 15, turn_deg: 0 };
  }
  if (kind === "fire_lane" && down_px > across_px) return down_px < needed_px ? null : { ...at, turn_deg: -90 };
  if (kind === "building" && across_px < needed_px * 0.9) return null;
  return { ...at, turn_deg: 0 };
}

/** Along the longest piece of the road that is in sight, readable from left to right. */
function roadSpot(shape: Shape, view: View, size: Size): Spot | null {
  const pixels: Pixel[] = shape.points.map((point) => toPixel(point, view, size));
  let best: { spot: Spot; length_px: number } | null = null;
  for (let index = 1; index < pixels.length; index += 1) {
    const piece = clipped(pixels[index - 1]!, pixels[index]!, size);
    if (piece === null) continue;
    const [a, b] = piece;
    const length_px = Math.hypot(b.x - a.x, b.y - a.y);
    if (length_px < 90 || (best && best.length_px >= length_px)) continue;
    let turn_deg = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
    if (turn_deg > 90) turn_deg -= 180;
    if (turn_deg <= -90) turn_deg += 180;
    // A fifth from one end: the middle is where crossings and incidents are.
    best = { spot: { x: a.x + 0.22 * (b.x - a.x), y: a.y + 0.22 * (b.y - a.y), turn_deg }, length_px };
  }
  return best?.spot ?? null;
}
