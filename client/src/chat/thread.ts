import { ChatError } from "@jichat/protocol/errors.ts";
import type { SendOptions, Target, WriteResult } from "../types.ts";
import type { History } from "./history.ts";
import { Topic } from "./live.ts";
import type { Pace } from "./live.ts";
import type { Sends } from "./sends.ts";
import { keyOf } from "./sends.ts";
import type { Live, Loading, ThreadView } from "./types.ts";

export interface ThreadParts<B extends object> {
  readonly pace: Pace;
  readonly sends: Sends<B>;
  /** The conversation of the target, if there is one by now. */
  readonly conversationOf: (target: Target) => string | undefined;
  readonly historyOf: (conversation: string) => History<B>;
  /** Without making it. */
  readonly peek: (conversation: string) => History<B> | undefined;
  readonly onUse: (thread: Thread<B>, isUsed: boolean) => void;
  readonly markRead: (conversation: string, seq: number | undefined) => void;
  readonly edit: (conversation: string, seq: number, body: B) => Promise<WriteResult>;
  readonly recall: (conversation: string, seq: number) => Promise<WriteResult>;
}

const NOTHING = { lines: [], hasOlder: true, hasNewer: false, loading: undefined, error: undefined } as const;
const NEW = { ...NOTHING, hasOlder: false } as const;

/**
 * One conversation as it is read and written. The newest lines are loaded when somebody subscribes. A thread
 * with a user to whom nothing was written yet becomes the 1-1 conversation with the first message.
 */
export class Thread<B extends object> implements Live<ThreadView<B>> {
  readonly target: Target;
  readonly #parts: ThreadParts<B>;
  readonly #topic: Topic;
  #view: { readonly of: object; readonly view: ThreadView<B> } | undefined;
  readonly subscribe: Live<ThreadView<B>>["subscribe"];

  /** @internal `chat.thread` makes it. */
  constructor(target: Target, parts: ThreadParts<B>) {
    this.target = target;
    this.#parts = parts;
    this.#topic = new Topic(parts.pace, (isUsed) => {
      parts.onUse(this, isUsed);
    });
    this.subscribe = this.#topic.subscribe;
  }

  /** Undefined for a user to whom nothing was written yet. */
  get conversation(): string | undefined {
    return this.#parts.conversationOf(this.target);
  }

  get isUsed(): boolean {
    return this.#topic.isUsed;
  }

  readonly get = (): ThreadView<B> => {
    const { conversation, key } = this;
    const loaded = conversation === undefined ? NEW : (this.#parts.peek(conversation)?.view ?? NOTHING);
    const pending = this.#parts.sends.of(key);
    const before = this.#view;
    if (before?.of === loaded && before.view.pending === pending && before.view.conversation === conversation)
      return before.view;
    this.#view = { of: loaded, view: { ...loaded, conversation, pending } };
    return this.#view.view;
  };

  /** @internal The place under which its messages wait. */
  get key(): string {
    return this.conversation ?? keyOf(this.target);
  }

  /** @internal Something that it shows has changed. */
  changed(): void {
    this.#topic.changed();
  }

  /**
   * Sends a message, which is shown as `pending` at once, and returns its id. It is sent until it is stored
   * or refused, over reconnects and restarts. Throws FRAME_MALFORMED for a body that JSON cannot express,
   * and BUSY if 1,000 messages are pending.
   */
  send(body: B, options: SendOptions = {}): string {
    return this.#parts.sends.put(this.key, body, options);
  }

  /** Sends a failed message again, after those that were written since. */
  retry(id: string): void {
    this.#parts.sends.retry(id);
  }

  /** Forgets a failed message. */
  discard(id: string): void {
    this.#parts.sends.discard(id);
  }

  /** Gives one's own message another body. It is shown when it is stored. Rejects like `ChatClient.edit`. */
  async edit(seq: number, body: B): Promise<WriteResult> {
    return this.#parts.edit(this.#known(), seq, body);
  }

  /** Takes one's own message back. It is shown when it is stored. */
  async recall(seq: number): Promise<WriteResult> {
    return this.#parts.recall(this.#known(), seq);
  }

  /** Marks everything up to `seq` as read; by default everything. Call it when the user sees the lines. */
  markRead(seq?: number): void {
    const { conversation } = this;
    if (conversation !== undefined) this.#parts.markRead(conversation, seq);
  }

  /**
   * Loads the page before the first line. What exceeds the window is dropped at its other end. Resolves
   * once it is loaded; an outage is waited out. Rejects with the view's `error`, and once the chat is
   * closed.
   */
  async loadOlder(): Promise<void> {
    return this.#load("older");
  }

  /** The same with the page after the last line. */
  async loadNewer(): Promise<void> {
    return this.#load("newer");
  }

  /** Replaces the window by the newest lines, unless they are loaded. */
  async jumpToLatest(): Promise<void> {
    return this.#load("latest");
  }

  /** Replaces the window by the lines around the event `seq`. */
  async jumpTo(seq: number): Promise<void> {
    return this.#load("around", seq);
  }

  async #load(what: Loading, around?: number): Promise<void> {
    const { conversation } = this;
    if (conversation !== undefined) await this.#parts.historyOf(conversation).load(what, around);
  }

  #known(): string {
    const { conversation } = this;
    if (conversation === undefined) throw new ChatError("NOT_FOUND", "nothing was written to this user yet");
    return conversation;
  }
}
