// An incident as the centre tells it, for the tests; `changes` are laid over it.

import { readIncident } from "../src/decode.ts";
import type { Incident } from "../src/model.ts";

export const WIRE = {
  incident_id: "0197c5a0-1111",
  case_number: "DEMO-20260703-0007",
  case_state: "assigned",
  hazard: "blocked-fire-lane",
  active: true,
  position: { lat_deg: 22.5433, lon_deg: 114.05854, accuracy_m: 2.13 },
  cell: "demo-005",
  unit: { id: "grid-mid", name: { zh: "中片网格员", en: "Grid worker middle" } },
  first_seen_at: "2026-07-02T19:12:00.000Z",
  last_seen_at: "2026-07-02T19:12:40.000Z",
  found_at: "2026-07-02T19:12:23.000Z",
  ended_at: null,
  due_at: "2026-07-02T20:12:24.000Z",
  late: false,
  drill: true,
  alert_count: 1,
  box: "street",
  camera: { id: "gate", name: { zh: "消防通道口", en: "Fire lane mouth" } },
  place: "lane/3-7",
  region: { x_min_px: 10, y_min_px: 20, x_max_px: 110, y_max_px: 90, width_px: 1280, height_px: 720 },
  explanation: {
    rule: "fire-lane",
    zone: "lane",
    label: "car",
    first_seen_at: "2026-07-02T19:12:00.000Z",
    last_seen_at: "2026-07-02T19:12:23.000Z",
    dwell_s: 23.4,
    needed_dwell_s: 20,
    looks: 12,
    votes: 11,
    needed_share: 0.5,
    confidence: 0.713,
    threshold: 0.35,
  },
  model: { name: "street", version: "1.0.0", sha256: "ab12cd34".repeat(8) },
  thumbnail: "data:image/jpeg;base64,/9j/",
  evidence: [
    {
      sha256: "0f".repeat(32),
      media_type: "image/jpeg",
      role: "frame",
      taken_at: "2026-07-02T19:12:23.000Z",
      state: "stored",
      lost_reason: null,
      url: "/api/v1/evidence/" + "0f".repeat(32),
    },
  ],
};

export function incident(changes: Readonly<Record<string, unknown>> = {}): Incident {
  return readIncident({ ...WIRE, ...changes }, "incident");
}
