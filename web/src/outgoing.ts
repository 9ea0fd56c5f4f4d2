import type { Chat, PendingMessage } from "@jichat/client";
import { explain } from "./i18n.ts";
import type { TextBody } from "./listed.ts";

/** A message that is not known to be stored yet. `error` is in the reader's language. */
export interface Pending {
  readonly id: string;
  readonly text: string;
  readonly error?: string;
}

/** A message as it is drawn while it is being sent. */
export const pendingOf = ({ id, body, error }: PendingMessage<TextBody>): Pending => ({
  id,
  text: body.text,
  ...(error === undefined ? {} : { error: explain(error) }),
});

/** Messages that are not stored yet, in order. */
export class Outgoing {
  readonly #chat: Chat<TextBody>;

  constructor(chat: Chat<TextBody>) {
    this.#chat = chat;
  }

  /** The same array until something changes. */
  get all(): readonly PendingMessage<TextBody>[] {
    return this.#chat.unsent.get();
  }

  /** Closes the chat, and forgets everything that was kept: the user signs out. */
  async clear(): Promise<void> {
    return this.#chat.forget();
  }
}
