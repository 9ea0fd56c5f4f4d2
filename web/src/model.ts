import type {
  Chat,
  ChatClient,
  ChatError,
  ConnectionState,
  Live,
  MembersView,
  Profile,
  Target,
  Thread,
  ThreadView,
} from "@jichat/client";
import { openChat, webStore } from "@jichat/client";
import type { ConversationRow, TextBody } from "./listed.ts";
import type { Pending } from "./outgoing.ts";
import { Outgoing } from "./outgoing.ts";

/** A 1-1 conversation that does not exist yet is named by its user. */
export const isNew = (target: string): boolean => target.startsWith("@");

/**
 * Lines of a thread that are held. Only those on the screen are in the document, so there may be many: the
 * list scrolls through them without a stop.
 */
const LINES_MAX = 20_000;

const targetOf = (target: string): Target =>
  isNew(target) ? { to: target.slice(1) } : { conversation: target };

/** A message that the view goes to. Another object is another wish. */
export interface Aim {
  readonly seq: number;
}

/**
 * What this page has beyond the SDK's chat: which conversation is open, and what was seen on the screen.
 * Whatever it returns is the same object until its content changes.
 */
export class ChatModel {
  readonly me: string;
  readonly client: ChatClient<TextBody>;
  readonly outgoing: Outgoing;
  open: string | undefined;
  aim: Aim | undefined;
  readonly #chat: Chat<TextBody>;
  readonly #watchers = new Set<() => void>();
  readonly #stops: (() => void)[];
  #thread: Thread<TextBody> | undefined;
  #closeThread: (() => void) | undefined;
  #readAtOpen: number | undefined;
  /** When the status was told, by the page's clock. */
  #statusAt = 0;
  /** The open conversation was in the list. If it is there no more, the cluster has begun anew without it. */
  #wasKnown = false;

  private constructor(chat: Chat<TextBody>) {
    this.#chat = chat;
    this.me = chat.user;
    this.client = chat.client;
    this.outgoing = new Outgoing(chat);
    const shown = [chat.status, chat.conversations, chat.unsent];
    this.#stops = shown.map((live) => live.subscribe(this.#changed));
    this.#stops.push(
      chat.status.subscribe(() => {
        this.#statusAt = performance.now();
      }),
    );
    document.addEventListener("visibilitychange", this.#changed);
  }

  /**
   * The chat of this tab. What is unsent is kept in the tab's storage: a reload loses nothing, and another
   * tab is another device.
   */
  static async start(
    user: string,
    urls: readonly string[],
    device: string,
    token: () => Promise<string>,
  ): Promise<ChatModel> {
    const store = webStore(sessionStorage);
    const given = { user, urls, device, token, store, client: "jichat-web/0.1", linesMax: LINES_MAX };
    return new ChatModel(await openChat(given));
  }

  /** Calls `act` at each change. Components use `useShown`. */
  readonly watch = (act: () => void): (() => void) => {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  };

  get connection(): ConnectionState {
    return this.#chat.status.get().state;
  }

  /** Milliseconds until the client tries again; undefined while it does not wait for that. */
  get retryInMs(): number | undefined {
    const { retryInMs } = this.#chat.status.get();
    return retryInMs === undefined ? undefined : Math.max(0, this.#statusAt + retryInMs - performance.now());
  }

  get closedBy(): ChatError | undefined {
    return this.#chat.status.get().error;
  }

  /** Whether the server has told all conversations. */
  get listed(): boolean {
    return this.#chat.conversations.get().isComplete;
  }

  get sorted(): readonly ConversationRow[] {
    return this.#chat.conversations.get().conversations;
  }

  conversation(id: string): ConversationRow | undefined {
    return this.#chat.conversation(id).get();
  }

  readonly profile = (user: string): Live<Profile> => this.#chat.profile(user);

  members(conversation: string): Live<MembersView> {
    return this.#chat.members(conversation);
  }

  /** The user goes by another name. */
  renamed(profile: Profile): void {
    this.#chat.learn(profile);
  }

  /** The thread of the open conversation. */
  get thread(): ThreadView<TextBody> | undefined {
    return this.#thread?.get();
  }

  /** The read mark when it was opened with unread messages. The line "new messages" is drawn there. */
  get readAtOpen(): number | undefined {
    return this.#readAtOpen;
  }

  /** Opens a conversation, at a message if `seq` is set. `@user` stands for one that does not exist yet. */
  show(target: string | undefined, seq?: number): void {
    this.#closeThread?.();
    this.open = target;
    this.aim = target === undefined || seq === undefined ? undefined : { seq };
    this.#thread = target === undefined ? undefined : this.#chat.thread(targetOf(target));
    this.#closeThread = this.#thread?.subscribe(this.#changed);
    const listed = target === undefined ? undefined : this.conversation(target);
    this.#readAtOpen = (listed?.unread ?? 0) > 0 ? listed?.read : undefined;
    this.#wasKnown = false;
    this.#changed();
  }

  goToMessage(seq: number): void {
    this.aim = { seq };
    this.#changed();
  }

  async loadOlder(): Promise<void> {
    await this.#thread?.loadOlder();
  }

  /** Comes back to the newest lines from a place in the past. */
  async toLatest(): Promise<void> {
    await this.#thread?.jumpToLatest();
  }

  send(text: string): void {
    this.#thread?.send({ text });
  }

  retry({ id }: Pending): void {
    this.#thread?.retry(id);
  }

  discard({ id }: Pending): void {
    this.#thread?.discard(id);
  }

  async createGroup(name: string, members: readonly string[]): Promise<void> {
    const { conversation } = await this.client.createGroup(name, members);
    this.show(conversation);
  }

  /** Edits or recalls one of the user's own messages. The change is shown when it is stored. */
  async change(seq: number, text: string | undefined): Promise<void> {
    await (text === undefined ? this.#thread?.recall(seq) : this.#thread?.edit(seq, { text }));
  }

  async close(): Promise<void> {
    document.removeEventListener("visibilitychange", this.#changed);
    for (const stop of this.#stops) stop();
    this.#closeThread?.();
    await this.#chat.close();
  }

  readonly #changed = (): void => {
    this.#follow();
    // What is on the screen is read.
    if (document.visibilityState === "visible") this.#thread?.markRead();
    for (const act of this.#watchers) act();
  };

  /** The first message to a user makes their conversation. One of another life of the cluster is closed. */
  #follow(): void {
    const { open } = this;
    if (open === undefined) return;
    const id = this.#thread?.conversation;
    if (isNew(open)) {
      if (id !== undefined && this.conversation(id) !== undefined) this.show(id);
      return;
    }
    const isKnown = this.conversation(open) !== undefined;
    this.#wasKnown ||= isKnown;
    if (this.#wasKnown && !isKnown && this.listed) this.show(undefined);
  }
}
