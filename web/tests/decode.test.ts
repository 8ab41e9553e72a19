import assert from "node:assert/strict";
import { test } from "node:test";
import { readBox, readDeadLetter, readDistrict, readIncident } from "../src/decode.ts";
import { list, readable, Unreadable } from "../src/read.ts";
import { WIRE } from "./incident.ts";

test("an incident of the centre is read with its moments as numbers; unknown fields are ignored", () => {
  const read = readIncident({ ...WIRE, something_of_version_2: {} }, "incident");
  assert.equal(read.found_at, Date.parse(WIRE.found_at));
  assert.equal(read.alerts, null);
  assert.ok(!("something_of_version_2" in read));
});

test("a fault names the place where it stands", () => {
  const wrong = { ...WIRE, explanation: { ...WIRE.explanation, votes: "eleven" } };
  assert.throws(() => readIncident(wrong, "incidents[3]"), (error) => {
    assert.ok(error instanceof Unreadable);
    assert.match(error.message, /^incidents\[3\]\.explanation\.votes: a number/);
    return true;
  });
  for (const [field, value] of Object.entries({ hazard: "ufo", case_state: null, found_at: "yesterday", late: 1 })) {
    assert.throws(() => readIncident({ ...WIRE, [field]: value }, "x"), Unreadable, field);
  }
});

test("one unreadable record does not hide the others", () => {
  const page = readable([WIRE, { ...WIRE, hazard: "ufo" }, WIRE], "incidents", readIncident);
  assert.equal(page.items.length, 2);
  assert.equal(page.faults.length, 1);
  assert.throws(() => readable({}, "incidents", readIncident), Unreadable);
});

test("a thumbnail must be a picture inside the message, never an address to load from", () => {
  assert.throws(() => readIncident({ ...WIRE, thumbnail: "https://example.org/x.jpg" }, "x"), Unreadable);
  assert.throws(() => readIncident({ ...WIRE, thumbnail: "javascript:alert(1)" }, "x"), Unreadable);
});

test("a box that was never heard of and a bare name are fine", () => {
  const box = readBox({ box: "street" }, "boxes[0]");
  assert.equal(box.state, "never");
  assert.deepEqual(box.cameras, []);
  const letter = readDeadLetter({ id: 7, topic: "t", reason: "broken", received_at: WIRE.found_at }, "x");
  assert.deepEqual([letter.id, letter.reason.zh], ["7", "broken"]);
});

test("the map ignores kinds of a newer centre and things without a place", () => {
  const point = { type: "Point", coordinates: [114.05, 22.54] };
  const district = readDistrict(
    {
      id: "demo",
      timezone: "Asia/Shanghai",
      features: [
        { type: "Feature", geometry: point, properties: { kind: "camera", id: "gate", yaw_deg: 7 } },
        { type: "Feature", geometry: point, properties: { kind: "volcano", id: "v" } },
        { type: "Feature", geometry: null, properties: { kind: "camera", id: "yard" } },
      ],
    },
    "district",
  );
  assert.deepEqual(
    district.features.map((feature) => feature.id),
    ["gate"],
  );
});

test("lists say which item is wrong", () => {
  const reader = list((value, where) => {
    if (value !== 1) throw new Unreadable(where, "one");
    return value;
  });
  assert.throws(() => reader([1, 2], "it"), /it\[1\]: one/);
});
