import type { ConversationView } from "@jichat/client";

/** The body of a message of this page. Other applications may have sent others: `textOf` reads all. */
export interface TextBody {
  readonly text: string;
}

/** A conversation as it appears in the list. */
export type ConversationRow = ConversationView<TextBody>;
