import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelay } from "../src/live.ts";
import { settingsFrom } from "../src/settings.ts";

test("attempts to reconnect come quickly at first, then every 15 s or so, and spread", () => {
  const delays = [0, 1, 2, 3, 4, 5, 100].map((attempt) => retryDelay(attempt, 0.5));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  assert.ok(retryDelay(4, 0) < retryDelay(4, 1));
  assert.ok(retryDelay(1e9, 1) < 18_001);
});

test("what was remembered counts, and what is damaged does not", () => {
  const chosen = { language: "en", theme: "light", sound: true };
  assert.deepEqual(settingsFrom(JSON.stringify(chosen), ["zh-CN"]), chosen);
  const fresh = { language: "zh-CN", theme: "auto", sound: false };
  for (const stored of [null, "", "{", "null", "[]", '"x"', '{"language":"fr","theme":7,"sound":"yes"}']) {
    assert.deepEqual(settingsFrom(stored, ["zh-CN"]), fresh, String(stored));
  }
});
