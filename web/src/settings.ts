// What a dispatcher chose on this machine: language, theme, sound. Remembered by the browser, if it lets us.

import { languageOf } from "./messages/catalogue.ts";
import type { Language } from "./model.ts";

export type Theme = "auto" | "dark" | "light";

export interface Settings {
  readonly language: Language;
  readonly theme: Theme;
  readonly sound: boolean;
}

const KEY = "sky-ground-patrol.console";

/** `stored` is what was remembered, however damaged; `preferred` the browser's languages. */
export function settingsFrom(stored: string | null, preferred: readonly string[]): Settings {
  let kept: Partial<Record<keyof Settings, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(stored ?? "{}");
    if (typeof parsed === "object" && parsed !== null) kept = parsed;
  } catch {
    // damaged: as if nothing had been remembered
  }
  const { language, theme, sound } = kept;
  return {
    language: language === "zh-CN" || language === "en" ? language : languageOf(preferred),
    theme: theme === "dark" || theme === "light" ? theme : "auto",
    sound: sound === true,
  };
}

export function loadSettings(): Settings {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(KEY);
  } catch {
    // storage is forbidden: the choice lasts as long as the page
  }
  return settingsFrom(stored, navigator.languages);
}

export function saveSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // as above
  }
}
