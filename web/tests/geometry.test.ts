import assert from "node:assert/strict";
import { test } from "node:test";
import { clipped, placed, scaleBar, textWidth, toMetres, toPixel, viewOf, zoomedAt, type Label } from "../src/geometry.ts";
import { wedgePath } from "../src/mapping.ts";

const FRAME = { lon_deg: 114.0579, lat_deg: 22.5431 };
const SIZE = { width_px: 800, height_px: 600 };
const VIEW = { middle: { east_m: 0, north_m: 0 }, metresPerPixel: 0.5 };

test("a degree is as long as it is on the ground at this latitude", () => {
  const north = toMetres(114.0579, 22.5531, FRAME);
  assert.ok(Math.abs(north.north_m - 1112) < 2 && north.east_m === 0);
  // WGS 84: a degree of longitude at 22.5431° is 102.87 km (NIMA TR8350.2 series); ours is within 0.3 %
  const east = toMetres(114.0679, 22.5431, FRAME);
  assert.ok(Math.abs(east.east_m / 1028.7 - 1) < 0.003, String(east.east_m));
});

test("north is up and east is right", () => {
  const at = toPixel({ east_m: 100, north_m: 50 }, VIEW, SIZE);
  assert.deepEqual(at, { x: 600, y: 200 });
});

test("zooming keeps the ground under the pointer", () => {
  const pointer = { x: 123, y: 456 };
  const near = zoomedAt(VIEW, SIZE, pointer, 0.4);
  const ground = { east_m: (pointer.x - 400) * 0.5, north_m: (300 - pointer.y) * 0.5 };
  const back = toPixel(ground, near, SIZE);
  assert.ok(Math.hypot(back.x - pointer.x, back.y - pointer.y) < 1e-9);
});

test("a view shows all of its bounds inside the margin", () => {
  const view = viewOf({ west_m: -300, east_m: 100, south_m: -50, north_m: 350 }, SIZE, 20);
  for (const [east_m, north_m] of [
    [-300, -50],
    [100, 350],
  ] as const) {
    const at = toPixel({ east_m, north_m }, view, SIZE);
    assert.ok(at.x >= 19.9 && at.x <= 780.1 && at.y >= 19.9 && at.y <= 580.1, JSON.stringify(at));
  }
});

test("the scale bar is round and fits", () => {
  for (const metresPerPixel of [0.04, 0.3, 1, 7.3, 50]) {
    const { length_m, length_px } = scaleBar(metresPerPixel, 110);
    assert.ok(length_px <= 110 && length_px > 20, `${metresPerPixel}: ${length_px}`);
    assert.match(String(Number(length_m.toPrecision(6))), /^(0\.)?0*[125]0*$/);
  }
});

test("lines are clipped to the picture", () => {
  const piece = clipped({ x: -100, y: 300 }, { x: 900, y: 300 }, SIZE);
  assert.deepEqual(piece, [
    { x: 0, y: 300 },
    { x: 800, y: 300 },
  ]);
  assert.equal(clipped({ x: -10, y: -10 }, { x: -10, y: 900 }, SIZE), null);
});

test("labels never touch each other or a symbol, and the important one stays", () => {
  const label = (key: string, x: number, rank: number): Label => ({
    key,
    text: "消防通道口",
    x,
    y: 300,
    turn_deg: 0,
    size_px: 12,
    rank,
    tone: "camera",
  });
  const chosen = placed([label("minor", 400, 5), label("major", 420, 1), label("far", 600, 5)], SIZE, []);
  assert.deepEqual(chosen.map((each) => each.key).sort(), ["far", "major"]);
  assert.equal(placed([label("a", 400, 1)], SIZE, [{ left: 390, right: 410, top: 290, bottom: 310 }]).length, 0);
  assert.equal(placed([label("a", 5, 1)], SIZE, []).length, 0, "over the edge");
  assert.equal(textWidth("消防", 10), 20);
});

test("a camera's wedge opens towards its yaw, clockwise from north", () => {
  const numbers = wedgePath({ east_m: 0, north_m: 0 }, 90, 60, 10).match(/-?\d+(\.\d+)?/g)!.map(Number);
  const [left, right] = [numbers.slice(2, 4), numbers.slice(-2)];
  assert.ok(left[0]! > 8 && right[0]! > 8, "to the east");
  assert.ok(left[1]! < 0 && right[1]! > 0, "left edge north of the right one; y points down");
});
