/** A text in the forms that the language's plural rules tell apart (CLDR). `other` is always there. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string };

/**
 * The texts of one language. `{sender}`, `{text}` and `{count}` stand for what is inserted; which of
 * them a text may have, `PLACEHOLDERS` says.
 */
export interface Template {
  /** Nothing is shown of the message, and nobody is named. */
  readonly noneTitle: string;
  readonly noneText: Plural;
  /** The title of a group without a name. */
  readonly unnamedGroup: string;
  /** In a 1-1 conversation the title is the sender. */
  readonly directMessage: string;
  readonly directText: string;
  readonly groupMessage: string;
  readonly groupText: string;
  readonly groupMention: string;
  readonly groupMentionText: string;
  /** Several messages in one notification. */
  readonly folded: Plural;
  /** The same, and the newest that mentions the reader is of `{sender}`. */
  readonly foldedMention: Plural;
}

type Placeholder = "sender" | "text" | "count";

/** What each text may have. */
export const PLACEHOLDERS: Readonly<Record<keyof Template, readonly Placeholder[]>> = {
  noneTitle: [],
  noneText: ["count"],
  unnamedGroup: [],
  directMessage: ["sender"],
  directText: ["sender", "text"],
  groupMessage: ["sender"],
  groupText: ["sender", "text"],
  groupMention: ["sender"],
  groupMentionText: ["sender", "text"],
  folded: ["count"],
  foldedMention: ["count", "sender"],
};

/** Texts that have plural forms. */
export const PLURALS = ["noneText", "folded", "foldedMention"] as const satisfies readonly (keyof Template)[];

/** A language and its texts, with its rules at hand: they are slow to make. */
export interface Language {
  /** A canonical BCP 47 tag. */
  readonly tag: string;
  readonly template: Template;
  readonly plural: Intl.PluralRules;
  readonly number: Intl.NumberFormat;
}

export const languageOf = (tag: string, template: Template): Language => ({
  tag,
  template,
  plural: new Intl.PluralRules(tag),
  number: new Intl.NumberFormat(tag),
});
