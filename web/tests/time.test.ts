import assert from "node:assert/strict";
import { test } from "node:test";
import { CATALOGUE } from "../src/messages/catalogue.ts";
import { agoText, clockText, dateText, deadlineText, momentText, spanText, urgencyOf } from "../src/text/time.ts";

const { en, "zh-CN": zh } = CATALOGUE;
const NOW = Date.parse("2026-07-02T19:12:45.000Z"); // 03:12:45 on 3 July in Shanghai
const MINUTE = 60_000;

test("spans have at most two units and are never finer than useful", () => {
  const table: readonly [number, string, string][] = [
    [0, "0 s", "0 秒"],
    [42.4, "42 s", "42 秒"],
    [59.6, "1 min", "1 分钟"],
    [200, "3 min 20 s", "3 分 20 秒"],
    [540, "9 min", "9 分钟"],
    [601, "10 min", "10 分钟"],
    [3599, "59 min", "59 分钟"],
    [3600, "1 h", "1 小时"],
    [7500, "2 h 5 min", "2 小时 5 分"],
    [86_400, "1 d", "1 天"],
    [273_600, "3 d 4 h", "3 天 4 小时"],
    [-5, "0 s", "0 秒"],
  ];
  for (const [span_s, english, chinese] of table) {
    assert.equal(spanText(span_s, en), english);
    assert.equal(spanText(span_s, zh), chinese);
  }
});

test("how long ago is said in the unit of one glance, and a clock ahead of ours is not “ago”", () => {
  assert.equal(agoText(NOW - 2000, NOW, en), "just now");
  assert.equal(agoText(NOW + 3000, NOW, en), "just now");
  assert.equal(agoText(NOW - 42_000, NOW, zh), "42 秒前");
  assert.equal(agoText(NOW - 4.9 * MINUTE, NOW, zh), "4 分钟前");
  assert.equal(agoText(NOW - 75 * MINUTE, NOW, en), "1 h 15 min ago");
  assert.equal(agoText(NOW - 13.4 * 60 * MINUTE, NOW, en), "13 h ago");
  assert.equal(agoText(NOW - 25 * 60 * MINUTE, NOW, en), "1 day ago");
  assert.equal(agoText(NOW - 49 * 60 * MINUTE, NOW, zh), "2 天前");
  assert.equal(agoText(NOW + 30 * MINUTE, NOW, zh), "30 分钟后");
  assert.equal(agoText(NOW + 30 * MINUTE, NOW, en), "in 30 min");
});

test("moments stand on the district's clocks, with the date when it is another day there", () => {
  assert.equal(clockText(NOW, "Asia/Shanghai"), "03:12:45");
  assert.equal(dateText(NOW, "Asia/Shanghai"), "2026-07-03");
  assert.equal(momentText(NOW - 3 * 60 * MINUTE, NOW, "Asia/Shanghai"), "00:12:45");
  assert.equal(momentText(NOW - 4 * 60 * MINUTE, NOW, "Asia/Shanghai"), "2026-07-02 23:12:45");
  assert.equal(momentText(NOW - 4 * 60 * MINUTE, NOW, "UTC"), "15:12:45");
  assert.equal(clockText(Date.parse("2026-07-02T16:00:00Z"), "Asia/Shanghai"), "00:00:00"); // never 24:00:00
});

test("a deadline is calm, soon in the last quarter, over at the minute itself, and done once handled", () => {
  const found = NOW - 40 * MINUTE;
  assert.equal(urgencyOf(found, NOW + 20 * MINUTE, true, NOW), "calm");
  assert.equal(urgencyOf(found, NOW + 13 * MINUTE, true, NOW), "soon");
  assert.equal(urgencyOf(found, NOW, true, NOW), "over");
  assert.equal(urgencyOf(found, NOW - 1, true, NOW), "over");
  assert.equal(urgencyOf(found, NOW - 1, false, NOW), "done");
  assert.equal(urgencyOf(found, null, true, NOW), "none");
  // a late report was found long ago: its deadline is not near because of that
  assert.equal(urgencyOf(NOW - 600 * MINUTE, NOW + 60 * MINUTE, true, NOW), "calm");
  // a short deadline still warns for five minutes
  assert.equal(urgencyOf(NOW - 3 * MINUTE, NOW + 4 * MINUTE, true, NOW), "soon");
});

test("the countdown says what is left or by how much it is over", () => {
  assert.equal(deadlineText(NOW + 42 * MINUTE, "calm", NOW, en), "42 min left");
  assert.equal(deadlineText(NOW + 1, "soon", NOW, zh), "还剩 1 秒");
  assert.equal(deadlineText(NOW - 5 * MINUTE, "over", NOW, zh), "超时 5 分钟");
  assert.equal(deadlineText(NOW, "over", NOW, en), "0 s overdue");
  assert.equal(deadlineText(null, "none", NOW, en), "No deadline");
  assert.equal(deadlineText(NOW - MINUTE, "done", NOW, en), "Dealt with");
});
