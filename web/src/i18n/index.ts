/** The language of the page: the user's choice, else the browser's. */

import { en, type Messages } from "./en";
import { zh } from "./zh";

export type Language = "en" | "zh";
export const languages: Record<Language, Messages> = { en, zh };

const KEY = "polytalk.language";

export function firstLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (stored === "en" || stored === "zh") return stored;
  const known = preferred
    .map((tag) => tag.toLowerCase().split("-")[0])
    .find((tag) => tag === "en" || tag === "zh");
  return known === "zh" ? "zh" : "en";
}

/** Puts values into the {places} of a text. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

export class I18n {
  language: Language;

  constructor() {
    this.language = firstLanguage(remembered(KEY), navigator.languages);
  }

  get t(): Messages {
    return languages[this.language];
  }

  switch(): void {
    this.language = this.language === "en" ? "zh" : "en";
    remember(KEY, this.language);
  }

  name(names: { en: string } & Record<string, string>): string {
    return names[this.language] ?? names.en;
  }
}

/** Storage may be forbidden; the page then only forgets. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}
