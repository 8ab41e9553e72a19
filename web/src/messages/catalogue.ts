import type { Language, Name } from "../model.ts";
import { en, type Messages } from "./en.ts";
import { zh } from "./zh.ts";

export type { Messages };

export const CATALOGUE: Readonly<Record<Language, Messages>> = { "zh-CN": zh, en };

/** Chinese when the browser's first language is Chinese, English otherwise. */
export function languageOf(preferred: readonly string[]): Language {
  return preferred[0]?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

/** A thing's name in one language. */
export function named(name: Name, language: Language): string {
  return language === "zh-CN" ? name.zh : name.en;
}
