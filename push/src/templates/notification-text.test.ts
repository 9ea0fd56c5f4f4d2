import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "./en.ts";
import { Languages } from "./languages.ts";
import type { Told } from "./notification-text.ts";
import { notificationText } from "./notification-text.ts";

const languages = new Languages();
const MESSAGE: Told = {
  locale: "en",
  preview: "text",
  sender: "Ann",
  isDirect: true,
  isMention: false,
  text: "Hello",
  count: 1,
};
const GROUP: Told = { ...MESSAGE, isDirect: false, group: "Team" };

/** What is told, as the title and the text in English and in Chinese. */
const ROWS: readonly (readonly [what: string, told: Told, en: string, zh: string])[] = [
  ["1-1, text", MESSAGE, "Ann | Hello", "Ann | Hello"],
  ["1-1, no text", { ...MESSAGE, text: undefined }, "Ann | Sent you a message", "Ann | 给您发来一条消息"],
  ["1-1, blank text", { ...MESSAGE, text: " \n" }, "Ann | Sent you a message", "Ann | 给您发来一条消息"],
  ["1-1, sender", { ...MESSAGE, preview: "sender" }, "Ann | Sent you a message", "Ann | 给您发来一条消息"],
  ["1-1, folded", { ...MESSAGE, count: 5 }, "Ann | 5 new messages", "Ann | 5 条新消息"],
  ["1-1, a mention", { ...MESSAGE, isMention: true }, "Ann | Hello", "Ann | Hello"],
  ["group, text", GROUP, "Team | Ann: Hello", "Team | Ann：Hello"],
  ["group, no text", { ...GROUP, text: undefined }, "Team | Ann sent a message", "Team | Ann发来一条消息"],
  ["group, sender", { ...GROUP, preview: "sender" }, "Team | Ann sent a message", "Team | Ann发来一条消息"],
  ["unnamed group", { ...GROUP, group: undefined }, "Group | Ann: Hello", "群聊 | Ann：Hello"],
  ["mention", { ...GROUP, isMention: true }, "Team | Ann mentioned you: Hello", "Team | Ann提到了您：Hello"],
  [
    "mention, sender",
    { ...GROUP, isMention: true, preview: "sender" },
    "Team | Ann mentioned you",
    "Team | Ann提到了您",
  ],
  ["group, folded", { ...GROUP, count: 2 }, "Team | 2 new messages", "Team | 2 条新消息"],
  [
    "folded mention",
    { ...GROUP, isMention: true, count: 1_200 },
    "Team | 1,200 new messages, Ann mentioned you",
    "Team | 1,200 条新消息，Ann提到了您",
  ],
  [
    "none",
    { ...GROUP, preview: "none" },
    "New messages | You have a new message",
    "新消息 | 您有 1 条新消息",
  ],
  [
    "none, folded",
    { ...MESSAGE, preview: "none", count: 5 },
    "New messages | You have 5 new messages",
    "新消息 | 您有 5 条新消息",
  ],
];

const shown = (told: Told): string => {
  const { title, text } = notificationText(languages, told);
  return `${title} | ${text}`;
};

for (const [what, told, english, chinese] of ROWS)
  test(`${what}: ${english}`, () => {
    assert.equal(shown(told), english);
    assert.equal(shown({ ...told, locale: "zh" }), chinese);
  });

test("nothing of a message is shown to a device that wants none", () => {
  for (const count of [1, 7]) {
    const text = shown({
      ...GROUP,
      sender: "Ann-X",
      group: "Secret",
      isMention: true,
      preview: "none",
      count,
    });
    assert.doesNotMatch(text, /Ann|Secret|Hello/);
  }
  assert.doesNotMatch(shown({ ...GROUP, preview: "sender" }), /Hello/);
});

const PICKED: readonly (readonly [locale: string, tag: string])[] = [
  ["en", "en"],
  ["en-GB", "en"],
  ["EN-us", "en"],
  ["zh", "zh"],
  ["zh-CN", "zh"],
  ["zh-Hans-SG", "zh"],
  ["zh-TW", "zh-Hant"],
  ["zh-HK", "zh-Hant"],
  ["zh-Hant", "zh-Hant"],
  ["pt-BR", "pt-BR"],
  ["pt-br-x-twain", "pt-BR"],
  ["pt", "pt-BR"], // Brazil is where it is spoken most, by CLDR.
  ["de-AT-u-co-phonebk", "de"],
  ["fr", "en"],
  ["", "en"],
  ["not a tag", "en"],
  ["x".repeat(1_000), "en"],
];

test("a locale finds its language, or the one before it, or English", () => {
  const added = new Map(["de", "pt-BR", "zh-Hant"].map((tag) => [tag, en]));
  const languages = new Languages(added);
  assert.deepEqual(
    PICKED.map(([locale]) => [locale, languages.of(locale).tag]),
    PICKED,
  );
  for (let i = 0; i < 5_000; i += 1) languages.of(`en-x-${i.toString(36)}`);
  assert.equal(languages.of("de-CH").tag, "de");
});

test("the plural form is that of the language the text is in", () => {
  const folded = { one: "{count} one", few: "{count} few", many: "{count} many", other: "{count} other" };
  const polish = new Languages(new Map([["pl", { ...en, folded }]]));
  const told = [2, 5, 22, 25].map(
    (count) => notificationText(polish, { ...MESSAGE, locale: "pl-PL", count }).text,
  );
  assert.deepEqual(told, ["2 few", "5 many", "22 few", "25 many"]);
});

test("what people wrote is inserted as it is, and not read as a template", () => {
  assert.equal(
    shown({ ...GROUP, sender: "{text}", text: "{sender} $& $1" }),
    "Team | {text}: {sender} $& $1",
  );
  assert.equal(shown({ ...GROUP, group: "{count}" }), "{count} | Ann: Hello");
});

test("a name cannot rewrite the words around it", () => {
  const [override, isolate, mark] = ["\u202e", "\u2067", "\u200f"];
  assert.equal(shown({ ...GROUP, sender: `${override}An${mark}n${isolate}` }), "Team | Ann: Hello");
  assert.equal(shown({ ...GROUP, text: "a\u0000b\u0007c\u009bd\ud800" }), "Team | Ann: abcd\ufffd");
  assert.equal(shown({ ...GROUP, text: " one\r\ntwo\u2028three\tfour\n" }), "Team | Ann: one two three four");
  assert.equal(shown({ ...GROUP, group: "\u202e\n" }), "Group | Ann: Hello");
});

test("long names and texts are cut between characters as people see them", () => {
  const family = "👨‍👩‍👧‍👦";
  const at = notificationText(languages, { ...MESSAGE, text: family.repeat(200) });
  assert.equal(at.text, family.repeat(200));
  const past = notificationText(languages, { ...MESSAGE, text: family.repeat(201) });
  assert.equal(past.text, `${family.repeat(199)}…`);
  const flags = notificationText(languages, { ...MESSAGE, text: "🇨🇳".repeat(5_000) });
  assert.equal(flags.text, `${"🇨🇳".repeat(199)}…`);
  const accents = notificationText(languages, { ...MESSAGE, sender: `Z${"\u0301".repeat(100_000)}` });
  assert.ok(accents.title.length < 2_000);
  assert.equal(notificationText(languages, { ...GROUP, group: "n".repeat(65) }).title, `${"n".repeat(63)}…`);
});
