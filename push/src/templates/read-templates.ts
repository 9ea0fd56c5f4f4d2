import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Languages } from "./languages.ts";
import type { Plural, Template } from "./template.ts";
import { PLACEHOLDERS, PLURALS } from "./template.ts";

const FILES_MAX = 200;
const FILE_LENGTH_MAX = 65_536;
const TEXT_LENGTH_MAX = 200;

export interface ReadLanguages {
  readonly languages: Languages;
  /** One for each file that is not used: its name, the text in it, and what is wrong. */
  readonly faults: readonly string[];
}

/**
 * Reads a folder of templates, one JSON file per language: `de.json`, `pt-BR.json`. Files that are broken are
 * left out. Throws if the folder cannot be read.
 */
export function readTemplates(folder: string): ReadLanguages {
  const added = new Map<string, Template>();
  const faults: string[] = [];
  // A ConfigMap's volume has files of its own, which begin with two dots.
  const files = readdirSync(folder).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  if (files.length > FILES_MAX) faults.push(`only the first ${FILES_MAX} of ${files.length} files are read`);
  for (const file of files.sort().slice(0, FILES_MAX)) {
    try {
      const tag = tagOf(file);
      added.set(tag, templateOf(readFileSync(join(folder, file), "utf8"), tag));
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { languages: new Languages(added), faults };
}

function tagOf(file: string): string {
  const name = file.slice(0, -".json".length);
  try {
    const [tag = name] = Intl.getCanonicalLocales(name);
    return tag;
  } catch (cause) {
    throw new Error("its name is not a language tag of BCP 47", { cause });
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads the texts of a language. Throws an Error that names the text that is missing, unknown or wrong. */
export function templateOf(json: string, tag: string): Template {
  if (json.length > FILE_LENGTH_MAX) throw new Error(`it has more than ${FILE_LENGTH_MAX} characters`);
  let map: unknown;
  try {
    map = JSON.parse(json);
  } catch (cause) {
    throw new Error(`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (!isMap(map)) throw new Error("it is not a JSON object");
  const unknown = Object.keys(map).find((name) => !Object.hasOwn(PLACEHOLDERS, name));
  if (unknown !== undefined) throw new Error(`\`${unknown}\` is not a text of a template`);
  const categories = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
  const plurals: readonly string[] = PLURALS;
  const texts = Object.entries(PLACEHOLDERS).map(([name, allowed]) => {
    const read = (value: unknown, at: string): string => checked(value, at, allowed);
    const value = map[name];
    return [name, plurals.includes(name) ? pluralOf(value, name, categories, read) : read(value, name)];
  });
  return Object.fromEntries(texts) as Template;
}

function pluralOf(
  value: unknown,
  name: string,
  categories: readonly string[],
  read: (value: unknown, at: string) => string,
): Plural {
  if (!isMap(value))
    throw new Error(`\`${name}\` is not an object of plural forms: ${categories.join(", ")}`);
  const foreign = Object.keys(value).find((form) => !categories.includes(form));
  if (foreign !== undefined)
    throw new Error(`\`${name}.${foreign}\` is not a plural form of this language: ${categories.join(", ")}`);
  const forms = Object.entries(value).map(([form, text]) => [form, read(text, `${name}.${form}`)]);
  return { ...Object.fromEntries(forms), other: read(value["other"], `${name}.other`) };
}

function checked(text: unknown, name: string, allowed: readonly string[]): string {
  if (typeof text !== "string") throw new Error(`\`${name}\` is not a string`);
  if (text.length < 1 || text.length > TEXT_LENGTH_MAX)
    throw new Error(`\`${name}\` has ${text.length} characters, not 1 to ${TEXT_LENGTH_MAX}`);
  const foreign = [...text.matchAll(/\{(.*?)\}/g)].find(([, found = ""]) => !allowed.includes(found));
  if (foreign !== undefined) {
    const may = allowed.length === 0 ? "no placeholder" : allowed.map((one) => `{${one}}`).join(", ");
    throw new Error(`\`${name}\` has ${foreign[0]}, and may have ${may}`);
  }
  return text;
}
