import assert from "node:assert/strict";
import { test } from "node:test";
import { CATALOGUE } from "../src/messages/catalogue.ts";
import { explanationSentences, labelText, measurementText, metresText, ruleText, summaryText } from "../src/text/explain.ts";
import { incident, WIRE } from "./incident.ts";

const { en, "zh-CN": zh } = CATALOGUE;
const NOW = Date.parse("2026-07-02T19:16:23.000Z");

test("the explanation names every number with which the decision can be repeated", () => {
  const one = incident();
  const english = explanationSentences(one.hazard, one.explanation, one.model, en).join(" ");
  assert.equal(
    english,
    "In zone “lane” a car has stood for 23 s; the limit is 20 s. The box looked 12 times and saw it 11 times: 92\u202f%, " +
      "at least 50\u202f% is needed. The median confidence was 0.71; a look counts from 0.35. " +
      "Decided by the rule “fire-lane” on the model street 1.0.0 (ab12cd34).",
  );
  const chinese = explanationSentences(one.hazard, one.explanation, one.model, zh).join("");
  for (const number of ["23 秒", "20 秒", "12 次", "11 次", "92", "50", "0.71", "0.35", "小汽车", "street 1.0.0", "ab12cd34"]) {
    assert.ok(chinese.includes(number), number);
  }
});

test("each kind of hazard has its own verb, and one look is not “1 times”", () => {
  const one = incident({ explanation: { ...WIRE.explanation, label: "person", looks: 1, votes: 1 } });
  const inside = explanationSentences("perimeter-intrusion", one.explanation, one.model, en).join(" ");
  assert.match(inside, /a person has been inside for/);
  assert.match(inside, /looked 1 time and saw it 1 time:/);
  assert.match(explanationSentences("flooding", one.explanation, one.model, en).join(" "), /has been seen for/);
});

test("a sensor's word is told as such: no looks, no confidence, its room in the summary", () => {
  const sensor = { id: "hall", name: { zh: "楼道烟感", en: "Hall smoke alarm" }, room: "2-1-302" };
  const one = incident({ hazard: "smoke-alarm", sensor, explanation: { ...WIRE.explanation, rule: "smoke-alarm", label: "smoke", looks: 2, votes: 2 } });
  const said = explanationSentences(one.hazard, one.explanation, null, en, true).join(" ");
  assert.equal(said, "The sensor has told of smoke in 2 messages within 23 s. Decided by the rule “Smoke alarm”, without a model.");
  assert.ok(summaryText(one, NOW, "UTC", "en", en).includes("Hall smoke alarm · 2-1-302"));
  assert.deepEqual(measurementText("current_a", 41.25, en), { name: "current", value: "41.3\u202fA" });
});

test("without a model or without an explanation the sentence says so instead of inventing one", () => {
  const one = incident();
  assert.match(explanationSentences(one.hazard, one.explanation, null, en).join(" "), /without a model/);
  assert.deepEqual(explanationSentences(one.hazard, null, one.model, zh), ["中心没有这起事件的判断依据。"]);
});

test("an unknown label is shown as the model names it, even one that is a property of every object", () => {
  assert.equal(labelText("tricycle", en), "“tricycle”");
  assert.equal(labelText("constructor", zh), "“constructor”");
});

test("a rule is called by its hazard in the reader's language", () => {
  assert.equal(ruleText("blocked-fire-lane", zh), "占用消防通道");
  assert.equal(ruleText("rule-of-version-2", zh), "rule-of-version-2");
});

test("measurements take their unit from their name", () => {
  assert.deepEqual(measurementText("ground_distance_m", 17.234, en), { name: "ground distance", value: "17.2\u202fm" });
  assert.deepEqual(measurementText("water_area_m2", 153.4, zh), { name: "water area", value: "153\u202fm²" });
  assert.deepEqual(measurementText("overlap_share", 0.4567, en), { name: "overlap share", value: "0.46" });
  assert.deepEqual(measurementText("people", 3, en), { name: "people", value: "3" });
  assert.deepEqual(measurementText("dwell_s", 23.4, zh), { name: "停留时间", value: "23.4\u202fs" });
  assert.equal(measurementText("constructor", 1, en).name, "constructor");
  assert.equal(metresText(2.13), "2.1");
  assert.equal(metresText(23.7), "24");
});

test("the summary carries number, place, position with accuracy, unit and times, and shouts that it is a drill", () => {
  const english = summaryText(incident(), NOW, "Asia/Shanghai", "en", en).split("\n");
  assert.deepEqual(english, [
    "EXERCISE, EXERCISE, EXERCISE",
    "Blocked fire lane · DEMO-20260703-0007",
    "Camera: Fire lane mouth",
    "Position: 22.543300, 114.058540, within 2.1 m (95 %)",
    "Unit: Grid worker middle",
    "First seen: 03:12:00 (4 min ago)",
    "Deadline: 04:12:24",
  ]);
  const real = summaryText(incident({ drill: false, position: null, unit: null }), NOW, "Asia/Shanghai", "zh-CN", zh);
  assert.doesNotMatch(real, /演练|坐标/);
  assert.match(real, /责任单位：无/);
});
