import type { Preview } from "@jichat/protocol/bus/push-registration.ts";
import type { Languages } from "./languages.ts";
import { plainText } from "./plain-text.ts";
import type { Language, Plural } from "./template.ts";

/** What a notification is about. Names and texts are as their authors wrote them. */
export interface Told {
  /** The device's, a BCP 47 tag. */
  readonly locale: string;
  readonly preview: Preview;
  readonly sender: string;
  readonly isDirect: boolean;
  /** The group's name, if it has one. */
  readonly group?: string | undefined;
  readonly isMention: boolean;
  /** The message's text, if it has one. */
  readonly text?: string | undefined;
  /** Messages that it stands for: 1, or more if it is folded. */
  readonly count: number;
}

export interface NotificationText {
  readonly title: string;
  readonly text: string;
}

const NAME_CHARACTERS_MAX = 64;
const TEXT_CHARACTERS_MAX = 200;

/** Replaces all placeholders in one pass: what is inserted is never read for placeholders of its own. */
const filled = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);

/** The title and the text of a notification, in the device's language and as much as it wants to show. */
export function notificationText(languages: Languages, told: Told): NotificationText {
  const language = languages.of(told.locale);
  const { template } = language;
  const count = language.number.format(told.count);
  const plural = (forms: Plural): string => forms[language.plural.select(told.count)] ?? forms.other;
  if (told.preview === "none")
    return { title: template.noneTitle, text: filled(plural(template.noneText), { count }) };
  const sender = plainText(told.sender, NAME_CHARACTERS_MAX);
  const group = plainText(told.group ?? "", NAME_CHARACTERS_MAX);
  const title = told.isDirect ? sender : group === "" ? template.unnamedGroup : group;
  const text = told.preview === "text" ? plainText(told.text ?? "", TEXT_CHARACTERS_MAX) : "";
  const isMention = told.isMention && !told.isDirect;
  const line =
    told.count > 1
      ? plural(isMention ? template.foldedMention : template.folded)
      : lineOf(language, { isDirect: told.isDirect, isMention, hasText: text !== "" });
  return { title, text: filled(line, { sender, text, count }) };
}

interface Kind {
  readonly isDirect: boolean;
  readonly isMention: boolean;
  readonly hasText: boolean;
}

/** The template of a single message. */
function lineOf({ template }: Language, { isDirect, isMention, hasText }: Kind): string {
  if (isDirect) return hasText ? template.directText : template.directMessage;
  if (isMention) return hasText ? template.groupMentionText : template.groupMention;
  return hasText ? template.groupText : template.groupMessage;
}
