import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../src/model.ts";
import { after, neighbour, openByHazard, shown, START, watchOf, type State } from "../src/state.ts";
import { incident, WIRE } from "./incident.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 6, 2, 19, minute)).toISOString();
const one = (id: string, minute: number, changes: Readonly<Record<string, unknown>> = {}): Incident =>
  incident({ incident_id: id, case_number: `C-${id}`, found_at: at(minute), ...changes });
const page = (...items: Incident[]) => ({ type: "page", page: { items, faults: [] }, full: false }) as const;
const ids = (state: State): string[] => shown(state.incidents, state.filter, () => []).map((each) => each.incident_id);

test("the first list is not news; what comes after it is announced once", () => {
  let state = after(START, page(one("a", 1)));
  assert.equal(state.phase, "ready");
  assert.equal(state.arrival.serial, 0);
  state = after(state, { type: "incidents", incidents: [one("b", 2)] });
  assert.deepEqual(state.arrival, { serial: 1, ids: ["b"] });
  assert.deepEqual([...state.fresh], ["b"]);
  state = after(state, { type: "incidents", incidents: [one("b", 2, { alert_count: 2 })] });
  assert.equal(state.arrival.serial, 1);
  assert.equal(state.incidents.get("b")?.alert_count, 2);
});

test("what arrived while the stream was lost is announced when the list is asked for again", () => {
  const before = after(START, page(one("a", 1)));
  const state = after(before, page(one("a", 1), one("b", 2)));
  assert.deepEqual(state.arrival.ids, ["b"]);
});

test("news neither changes the selection nor the filter", () => {
  let state = after(START, page(one("a", 1)));
  state = after(state, { type: "select", id: "a" });
  state = after(state, { type: "filter", filter: { search: "gate" } });
  const next = after(state, { type: "incidents", incidents: [one("b", 2)] });
  assert.equal(next.selected, "a");
  assert.equal(next.filter, state.filter);
});

test("newest first, whatever the order of arrival; the case number decides ties", () => {
  const state = after(START, page(one("b", 5), one("a", 9), one("d", 1), one("c", 5)));
  assert.deepEqual(ids(state), ["a", "c", "b", "d"]);
});

test("a closed case leaves the open list at once and stays in the full one", () => {
  let state = after(START, page(one("a", 1), one("b", 2)));
  state = after(state, { type: "incidents", incidents: [one("b", 2, { case_state: "closed" })] });
  assert.deepEqual(ids(state), ["a"]);
  state = after(state, { type: "filter", filter: { state: "all" } });
  assert.deepEqual(ids(state), ["b", "a"]);
});

test("a list that no longer names an incident removes it, but never the selected one or older pages", () => {
  let state = after(START, { ...page(one("c", 30), one("b", 20)), full: true });
  state = after(state, { type: "older", page: { items: [one("a", 10)], faults: [] }, full: false });
  state = after(state, { type: "select", id: "b" });
  state = after(state, { ...page(one("d", 40), one("c", 30)), full: true });
  assert.deepEqual(ids(state), ["d", "c", "b", "a"]);
  state = after(state, { type: "select", id: null });
  state = after(state, page(one("d", 40)));
  assert.deepEqual(ids(state), ["d"]);
});

test("a list without alerts does not erase those already known of an incident", () => {
  const alerts = [{ alert_id: "alert-0001", box: "street", camera: "gate", raised_at: at(1) }];
  let state = after(START, page(one("a", 1)));
  state = after(state, { type: "select", id: "a" });
  assert.equal(state.detail, "loading");
  state = after(state, { type: "detail", id: "a", outcome: one("a", 1, { alerts }) });
  assert.equal(state.detail, "ready");
  state = after(state, page(one("a", 1)));
  assert.equal(state.incidents.get("a")?.alerts?.length, 1);
});

test("nor does it hide the files of older alerts, and it brings the newest state of a file", () => {
  const file = (sha256: string, state: string) => ({ ...WIRE.evidence[0], sha256: sha256.repeat(64), state });
  const alerts = [{ alert_id: "alert-0001", box: "street", camera: "gate", raised_at: at(1) }];
  let state = after(START, page(one("a", 1, { alerts, evidence: [file("a", "waiting"), file("b", "stored")] })));
  state = after(state, page(one("a", 1, { evidence: [file("a", "stored")] })));
  const files = state.incidents.get("a")?.evidence.map((each) => `${each.sha256[0]} ${each.state}`);
  assert.deepEqual(files, ["a stored", "b stored"]);
});

test("an answer about an incident that is no longer selected does not touch what is shown", () => {
  let state = after(START, page(one("a", 1), one("b", 2)));
  state = after(state, { type: "select", id: "b" });
  assert.equal(after(state, { type: "detail", id: "a", outcome: "missing" }).detail, "loading");
  assert.equal(after(state, { type: "detail", id: "b", outcome: "missing" }).detail, "missing");
});

test("a problem before the first list is a failure, after it a warning; the next list clears it", () => {
  const fault = { kind: "timeout" } as const;
  assert.equal(after(START, { type: "problem", fault }).phase, "failed");
  const ready = after(START, page(one("a", 1)));
  const troubled = after(ready, { type: "problem", fault });
  assert.equal(troubled.phase, "ready");
  assert.deepEqual(ids(troubled), ["a"]);
  assert.equal(after(troubled, page(one("a", 1))).problem, null);
});

test("search takes several words in any order, and hazards filter", () => {
  const state = after(START, page(one("a", 1), one("b", 2, { hazard: "flooding" })));
  const words = (each: Incident): string[] => [each.camera.name.zh, each.camera.name.en, each.case_number];
  const found = (search: string, hazard: "any" | "flooding" = "any"): string[] =>
    shown(state.incidents, { state: "open", hazard, search }, words).map((each) => each.incident_id);
  assert.deepEqual(found("消防 c-a"), ["a"]);
  assert.deepEqual(found("  MOUTH  "), ["b", "a"]);
  assert.deepEqual(found("mouth nowhere"), []);
  assert.deepEqual(found("", "flooding"), ["b"]);
  assert.deepEqual(openByHazard(state.incidents), [
    ["flooding", 1],
    ["blocked-fire-lane", 1],
  ]);
});

test("the keyboard walks the list, starts at the top and stops at the ends", () => {
  const list = [one("a", 3), one("b", 2)];
  assert.equal(neighbour(list, null, 1), "a");
  assert.equal(neighbour(list, "a", 1), "b");
  assert.equal(neighbour(list, "b", 1), "b");
  assert.equal(neighbour(list, "a", -1), "a");
  assert.equal(neighbour(list, "gone", -1), "a");
  assert.equal(neighbour([], "a", 1), null);
});

test("a camera is watching only while its box is online, and lost time is summed", () => {
  const camera = {
    camera: "gate",
    name: null,
    state: "watching",
    since: 0,
    last_frame_at: null,
    looks: 1,
    unwatched_s: 4,
    detail: "",
  } as const;
  const box = {
    box: "street",
    name: null,
    configured: true,
    state: "online",
    session: 1,
    software: "",
    heard_at: 0,
    cameras: [camera, { ...camera, state: "lost" }],
    sensors: [],
    outbox_waiting: 0,
    outbox_refused: 0,
    evidence_waiting: 0,
  } as const;
  const watch = watchOf([box, { ...box, state: "stale", cameras: [camera] }]);
  assert.deepEqual(watch, {
    boxesOnline: 1,
    boxes: 2,
    camerasWatching: 1,
    cameras: 3,
    unwatched_s: 12,
    trouble: true,
  });
  assert.equal(watchOf([{ ...box, cameras: [camera] }]).trouble, false);
  const sensor = { sensor: "hall", name: null, room: "", last_heard_at: null, messages: 0, unreadable: 0, detail: "" };
  for (const [state, trouble] of [["heard", false], ["alarm", false], ["silent", true], ["refused", true]] as const) {
    assert.equal(watchOf([{ ...box, cameras: [camera], sensors: [{ ...sensor, state }] }]).trouble, trouble, state);
  }
});
