import { en } from "./en.ts";
import type { Language, Template } from "./template.ts";
import { languageOf } from "./template.ts";
import { zh } from "./zh.ts";

const FALLBACK = languageOf("en", en);
/** Locales whose language is remembered. Anybody can register any locale. */
const PICKED_MAX = 1_000;

/** The languages that notifications are written in: English and Chinese, and those that are added. */
export class Languages {
  readonly #languages: ReadonlyMap<string, Language>;
  readonly #picked = new Map<string, Language>();

  /** `added` goes before our own texts. Keys are canonical tags. */
  constructor(added: ReadonlyMap<string, Template> = new Map()) {
    const own = new Map([
      ["en", FALLBACK],
      ["zh", languageOf("zh", zh)],
    ]);
    for (const [tag, template] of added) own.set(tag, languageOf(tag, template));
    this.#languages = own;
  }

  get tags(): readonly string[] {
    return [...this.#languages.keys()];
  }

  /** The best language for a BCP 47 tag; English if there is none, or if the tag is not one. */
  of(locale: string): Language {
    const known = this.#picked.get(locale);
    if (known !== undefined) return known;
    const found =
      candidates(locale)
        .map((tag) => this.#languages.get(tag))
        .find((language) => language !== undefined) ??
      this.#languages.get("en") ??
      FALLBACK;
    if (this.#picked.size >= PICKED_MAX) this.#picked.clear();
    this.#picked.set(locale, found);
    return found;
  }
}

/**
 * Tags to look for, the best one first: the tag and its beginnings (RFC 4647, lookup), then the same with the
 * script that the locale is written in. So `zh-TW` finds `zh-Hant` before `zh`.
 */
function candidates(locale: string): readonly string[] {
  let read: Intl.Locale;
  try {
    read = new Intl.Locale(locale);
  } catch (error) {
    if (error instanceof RangeError) return []; // Not a tag.
    throw error;
  }
  const { language, script, region } = read.maximize();
  const tags = [
    read.baseName,
    [language, script, region],
    [language, read.region],
    [language, region],
    [language, script],
    [language],
  ].map((tag) => (typeof tag === "string" ? tag : tag.filter((part) => part !== undefined).join("-")));
  return [...new Set(tags)];
}
