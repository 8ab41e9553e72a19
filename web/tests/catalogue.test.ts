// Proves that both languages are complete: the type says so at build time, this says so for what types cannot see.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { CATALOGUE, languageOf, named } from "../src/messages/catalogue.ts";
import { CASE_STATES, HAZARDS } from "../src/model.ts";

type Leaf = { key: string; value: string | ((...facts: never[]) => string) };

function leaves(tree: object, prefix = ""): Leaf[] {
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]): Leaf[] => {
    const name = prefix ? `${prefix}.${key}` : key;
    if (typeof value === "string" || typeof value === "function") return [{ key: name, value: value as Leaf["value"] }];
    return leaves(value as object, name);
  });
}

const [zh, en] = [leaves(CATALOGUE["zh-CN"]), leaves(CATALOGUE.en)];

test("both languages have the same texts, none empty, with the same facts", () => {
  assert.deepEqual(zh.map((leaf) => leaf.key).sort(), en.map((leaf) => leaf.key).sort());
  const english = new Map(en.map((leaf) => [leaf.key, leaf.value]));
  for (const { key, value } of zh) {
    const other = english.get(key);
    assert.equal(typeof value, typeof other, key);
    if (typeof value === "function" && typeof other === "function") assert.equal(value.length, other.length, key);
    if (typeof value === "string") assert.ok(value.trim() && String(other).trim(), key);
  }
});

test("a text with facts shows each of them, in both languages", () => {
  const partly = new Set(["list.count", "list.announce", "badge.alerts", "time.agoHours", "time.hours", "time.days"]);
  for (const { key, value } of [...zh, ...en]) {
    if (typeof value !== "function" || partly.has(key)) continue; // those drop a fact when it says nothing
    const facts = Array.from({ length: value.length }, (_, index) => 4271 + index);
    const text = value(...(facts as never[]));
    for (const fact of facts) assert.ok(text.includes(String(fact)), `${key} hides ${fact}: ${text}`);
  }
});

test("the Chinese texts are Chinese, the English ones are not", () => {
  const neither = new Set(["tag", "language", "languageLabel", "evidence.hash", "summary.line"]); // names, and texts for the other side
  const sample = ({ value }: Leaf): string =>
    typeof value === "string" ? value : value(...(Array.from({ length: value.length }, () => 3) as never[]));
  for (const leaf of zh) {
    if (neither.has(leaf.key) || leaf.key === "list.count") continue;
    assert.match(sample(leaf), /\p{Script=Han}/u, leaf.key);
  }
  for (const leaf of en) {
    if (neither.has(leaf.key)) continue;
    assert.doesNotMatch(sample(leaf), /[\p{Script=Han}，。：（）]/u, leaf.key);
  }
});

test("Chinese sentences use Chinese punctuation", () => {
  for (const { key, value } of zh) {
    if (typeof value === "string") assert.doesNotMatch(value, /\p{Script=Han}[,:;?!]/u, key);
  }
});

test("every hazard and every state of a case has a name", () => {
  for (const m of Object.values(CATALOGUE)) {
    for (const hazard of HAZARDS) assert.ok(m.hazard[hazard], hazard);
    for (const state of CASE_STATES) assert.ok(m.caseState[state], state);
  }
});

test("no text is left that the page does not use", () => {
  const folder = path.join(process.cwd(), "src");
  const source = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("messages"))
    .map((name) => readFileSync(path.join(folder, name), "utf8"))
    .join("\n");
  const looked_up = /^(hazard|caseState|role|feature|cameraState|sensorState|boxState|phase|phaseSaid|answer|droneState|lostReason|label|measure|theme|evidence\.state|list)\./;
  const unused = en
    .map((leaf) => leaf.key)
    .filter((key) => !looked_up.test(key)) // found by a value: m.hazard[incident.hazard]
    .filter((key) => !new RegExp(`\\.${key.split(".").at(-1)}\\b`).test(source));
  assert.deepEqual(unused, []);
});

test("Chinese where the browser prefers Chinese, English otherwise", () => {
  assert.equal(languageOf(["zh-CN", "en"]), "zh-CN");
  assert.equal(languageOf(["zh"]), "zh-CN");
  assert.equal(languageOf(["ZH-TW"]), "zh-CN");
  assert.equal(languageOf(["en-US", "zh-CN"]), "en");
  assert.equal(languageOf(["de"]), "en");
  assert.equal(languageOf([]), "en");
  assert.equal(named({ zh: "演示区", en: "Demo District" }, "zh-CN"), "演示区");
});
