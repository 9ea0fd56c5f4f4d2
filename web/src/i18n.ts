import i18next from "i18next";
import { en } from "./languages/en.ts";
import { zh } from "./languages/zh.ts";

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const isLanguage = (text: string): text is Language => text in LANGUAGES;

/** The first of the reader's languages that the page has, or else English. */
function languageOf(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

const KEPT = "jichat-language";

/** Loads the texts. Call it once, before the first `t`. */
export async function startWords(): Promise<void> {
  const kept = localStorage.getItem(KEPT);
  await i18next.init({
    lng: languageOf(kept === null ? navigator.languages : [kept, ...navigator.languages]),
    fallbackLng: "en",
    resources: { en: { translation: en }, zh: { translation: zh } },
    returnEmptyString: true,
    // Preact escapes everything that is shown.
    interpolation: { escapeValue: false },
  });
  document.documentElement.lang = language();
}

export const language = (): Language => (i18next.language === "zh" ? "zh" : "en");

/** The language that the reader has chosen on this page, or else the browser's first one (BCP 47). */
export const readersLocale = (): string => localStorage.getItem(KEPT) ?? navigator.language;

export async function speak(chosen: Language): Promise<void> {
  localStorage.setItem(KEPT, chosen);
  await i18next.changeLanguage(chosen);
  document.documentElement.lang = chosen;
}

/** Calls `act` at each change of the language. Returns a function that stops it. */
export const onLanguage = (act: () => void): (() => void) => {
  i18next.on("languageChanged", act);
  return () => {
    i18next.off("languageChanged", act);
  };
};

type Plural<K extends string> = K extends `${infer Stem}_one` | `${infer Stem}_other` ? Stem : K;
type Keys<T> = {
  [K in keyof T & string]: T[K] extends string ? Plural<K> : `${K}.${Keys<T[K]>}`;
}[keyof T & string];
export type Key = Keys<typeof en>;

/** The text of `key` in the chosen language, with `values` inserted. `count` selects the plural form. */
export const t = (key: Key, values: Readonly<Record<string, string | number>> = {}): string =>
  i18next.t(key, values);

/** A number as the reader writes it. */
export const numberOf = (value: number): string => value.toLocaleString(language());

interface Coded {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** The error in the reader's language if it is known, or else the server's own message. */
export function explain(error: unknown): string {
  const { code, message } = (error ?? {}) as Coded;
  const known =
    typeof code === "string" && code in en.fault ? t(`fault.${code as keyof typeof en.fault}`) : "";
  if (known !== "") return known;
  return typeof message === "string" ? message : String(error);
}
