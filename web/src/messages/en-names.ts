// What kinds, states and phases are called in English.

import type { Answer, DroneState, Phase } from "../flights.ts";
import type { CaseState, Evidence, FeatureKind, Hazard, SensorState } from "../model.ts";

export const hazard: Record<Hazard, string> = {
  "rooftop-violation": "Rooftop violation",
  flooding: "Flooding",
  "fire-hotspot": "Fire hotspot",
  "flame-smoke": "Flame or smoke",
  "blocked-fire-lane": "Blocked fire lane",
  "perimeter-intrusion": "Perimeter intrusion",
  "falling-object": "Falling object",
  "smoke-alarm": "Smoke alarm",
  "charging-pile": "Charging pile",
};

export const caseState: Record<CaseState, string> = {
  found: "Found",
  assigned: "Assigned",
  handled: "Handled",
  fed_back: "Fed back",
  checked: "Checked",
  closed: "Closed",
};

export const role: Record<Evidence["role"], string> = {
  frame: "Picture as taken",
  marked: "Picture with the finding marked",
  clip: "Video clip",
};

export const feature: Record<FeatureKind, string> = {
  boundary: "District boundary",
  cell: "Grid cell",
  building: "Building",
  road: "Road",
  fire_lane: "Fire lane",
  ponding_point: "Known ponding point",
  camera: "Camera",
};

export const cameraState: Record<"starting" | "watching" | "lost" | "ended", string> = {
  starting: "starting",
  watching: "watching",
  lost: "picture lost",
  ended: "ended",
};

export const boxState: Record<"online" | "stale" | "offline" | "never", string> = {
  online: "online",
  stale: "silent",
  offline: "offline",
  never: "never heard of",
};

export const lostReason: Record<"missing" | "altered" | "refused", string> = {
  missing: "the file is gone from the box",
  altered: "its bytes are no longer those that were recorded",
  refused: "the centre did not take it",
};

export const phase: Record<Phase, string> = {
  launching: "launching",
  flying: "flying",
  "taken-over": "taken over",
  "link-lost": "link lost",
  "link-back": "flying",
  recalled: "called back",
  landed: "landed",
  returned: "returned early",
  aborted: "aborted",
};

export const phaseSaid: Record<Phase, string> = {
  launching: "preparing to launch",
  flying: "in the air",
  "taken-over": "taken over by a station that was started anew",
  "link-lost": "link to the drone lost",
  "link-back": "link is back",
  recalled: "ordered home",
  landed: "landed, flown to its end",
  returned: "landed before its end",
  aborted: "aborted",
};

export const answer: Record<Answer, string> = {
  waiting: "waiting",
  flying: "flying",
  done: "done",
  refused: "refused",
  "given-up": "given up",
};

export const droneState: Record<DroneState, string> = {
  free: "ready",
  charging: "charging",
  flying: "flying",
  silent: "not heard",
  unfit: "not fit to fly",
};

export const sensorState: Record<SensorState, string> = {
  waiting: "not heard yet",
  heard: "heard",
  alarm: "alarm",
  silent: "silent",
  refused: "refused by the broker",
};

/** Classes of the models, as the end of “… has been seen”. Anything else is shown as the model names it. */
export const label: Record<string, string> = {
  person: "a person",
  bicycle: "a bicycle",
  car: "a car",
  motorcycle: "a motorcycle",
  bus: "a bus",
  truck: "a truck",
  flame: "a flame",
  smoke: "smoke",
  "flame and smoke": "flame and smoke",
  "flame, from single pictures": "a flame (single pictures, no film)",
  "smoke, from single pictures": "smoke (single pictures, no film)",
  temperature: "too high a temperature",
  current: "too much current",
  cable: "a damaged cable",
};

/** Measurements by their name on the wire; one that is not here is shown by that name. */
export const measure: Record<string, string> = {
  dwell_s: "time there",
  picture_age_s: "age of the picture",
  temperature_c: "temperature",
  current_a: "current",
  flicker_share: "flicker",
  repeat_share: "outline that repeats",
  changing_share: "share that never rests",
  glow_px: "glow",
  growth_ratio: "growth",
  looks_compared: "looks compared",
  single_picture: "single picture",
};
