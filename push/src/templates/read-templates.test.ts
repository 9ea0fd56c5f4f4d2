import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { en } from "./en.ts";
import { notificationText } from "./notification-text.ts";
import { readTemplates, templateOf } from "./read-templates.ts";
import { PLACEHOLDERS } from "./template.ts";
import { zh } from "./zh.ts";

const { groupText: _, ...withoutOne } = en;

/** What is wrong with a file, and how it is told. */
const BROKEN: readonly (readonly [what: string, json: string, told: RegExp])[] = [
  ["no JSON", "{", /^it is not JSON/],
  ["no object", "[]", /^it is not a JSON object$/],
  ["a text is missing", JSON.stringify(withoutOne), /^`groupText` is not a string$/],
  ["a text is unknown", JSON.stringify({ ...en, hello: "x" }), /^`hello` is not a text of a template$/],
  [
    "a text is empty",
    JSON.stringify({ ...en, noneTitle: "" }),
    /^`noneTitle` has 0 characters, not 1 to 200$/,
  ],
  [
    "a text is long",
    JSON.stringify({ ...en, noneTitle: "x".repeat(201) }),
    /^`noneTitle` has 201 characters/,
  ],
  [
    "a placeholder is not allowed there",
    JSON.stringify({ ...en, noneTitle: "{sender}" }),
    /^`noneTitle` has \{sender\}, and may have no placeholder$/,
  ],
  [
    "a placeholder is unknown",
    JSON.stringify({ ...en, groupText: "{sendr}: {text}" }),
    /^`groupText` has \{sendr\}, and may have \{sender\}, \{text\}$/,
  ],
  ["no plural forms", JSON.stringify({ ...en, folded: "new" }), /^`folded` is not an object of plural forms/],
  ["no `other`", JSON.stringify({ ...en, folded: { one: "1" } }), /^`folded.other` is not a string$/],
  [
    "a form that the language lacks",
    JSON.stringify({ ...en, folded: { few: "x", other: "x" } }),
    /^`folded.few` is not a plural form of this language: one, other$/,
  ],
  ["a file that is too long", " ".repeat(65_537), /^it has more than 65536 characters$/],
];

for (const [what, json, message] of BROKEN)
  test(`refused: ${what}`, () => {
    assert.throws(() => templateOf(json, "de"), { message });
  });

test("our own texts pass the same checks", () => {
  assert.deepEqual(templateOf(JSON.stringify(en), "en"), en);
  assert.deepEqual(templateOf(JSON.stringify(zh), "zh"), zh);
  assert.deepEqual(Object.keys(en).sort(), Object.keys(PLACEHOLDERS).sort());
});

test("a folder's good files are used, and its broken ones are named", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-templates-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, "de.json"), JSON.stringify({ ...en, directMessage: "Neue Nachricht" }));
  writeFileSync(join(folder, "PT-br.json"), JSON.stringify({ ...en, directMessage: "Nova mensagem" }));
  writeFileSync(join(folder, "fr.json"), "{}");
  writeFileSync(join(folder, "not_a tag.json"), JSON.stringify(en));
  writeFileSync(join(folder, "README.md"), "not a template");
  mkdirSync(join(folder, "..data"));
  const { languages, faults } = readTemplates(folder);
  assert.deepEqual(faults, [
    "fr.json: `noneTitle` is not a string",
    "not_a tag.json: its name is not a language tag of BCP 47",
  ]);
  assert.deepEqual([...languages.tags].sort(), ["de", "en", "pt-BR", "zh"]);
  const told = { preview: "sender", sender: "Ann", isDirect: true, isMention: false, count: 1 } as const;
  const texts = ["de-AT", "pt", "fr"].map((locale) => notificationText(languages, { ...told, locale }).text);
  assert.deepEqual(texts, ["Neue Nachricht", "Nova mensagem", "Sent you a message"]);
});

test("a folder that is not there is an error", () => {
  assert.throws(() => readTemplates(join(tmpdir(), "jichat-no-such-folder")), { code: "ENOENT" });
});
