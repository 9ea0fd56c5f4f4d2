import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatClient } from "../chat-client.ts";
import type { ConversationEvent } from "../events.ts";
import type { Body, Status, Target } from "../types.ts";
import { watchActivity } from "./activity.ts";
import type { Activity, Page } from "./activity.ts";
import type { Keeper } from "./keeper.ts";
import { SEEN } from "./keeper.ts";
import { Listing } from "./listing.ts";
import { Cell, Pace, Topic } from "./live.ts";
import { Members } from "./members.ts";
import { Patience } from "./patience.ts";
import { People } from "./people.ts";
import { Remembered } from "./remembered.ts";
import { Sends } from "./sends.ts";
import type { Thread } from "./thread.ts";
import { Threads } from "./threads.ts";
import type {
  ChatStatus,
  ConversationList,
  ConversationView,
  Directory,
  Live,
  MembersView,
  PendingMessage,
  Profile,
} from "./types.ts";

/** Groups whose members are remembered while nobody looks at them. */
const MEMBERS_IDLE_MAX = 20;

export interface ChatParts<B extends object> {
  /** Made with `echo`: what this device writes comes back as an event, in its place. */
  readonly client: ChatClient<B>;
  readonly user: string;
  readonly clock: Clock;
  readonly keeper: Keeper;
  /** What the keeper read. */
  readonly kept: ReadonlyMap<string, unknown>;
  readonly directory: Directory;
  readonly linesMax: number;
  /** The page that somebody looks at. Default: the browser's own, if there is one. */
  readonly page?: Page | undefined;
}

/**
 * What a user interface shows of one user on one device, and what it does. Made by `openChat`. Everything
 * that it shows is a `Live` value. The connection, resuming and repairs are those of its `client`.
 */
export class Chat<B extends object = Body> {
  readonly client: ChatClient<B>;
  readonly user: string;
  readonly status: Live<ChatStatus>;
  readonly conversations: Live<ConversationList<B>>;
  /** Messages of all threads that are not known to be stored, failed ones included, in order. */
  readonly unsent: Live<readonly PendingMessage<B>[]>;
  readonly #parts: ChatParts<B>;
  readonly #status: Cell<ChatStatus>;
  readonly #pace: Pace;
  readonly #patience: Patience;
  readonly #unsent: Topic;
  readonly #listing: Listing<B>;
  readonly #sends: Sends<B>;
  readonly #threads: Threads<B>;
  readonly #people: People;
  readonly #activity: Activity;
  readonly #members = new Remembered<Members>(MEMBERS_IDLE_MAX, ({ cell }) => cell.isUsed);

  /** @internal `openChat` makes it. */
  constructor(parts: ChatParts<B>) {
    const { client, user, clock, kept, directory } = parts;
    this.#parts = parts;
    this.client = client;
    this.user = user;
    this.#pace = new Pace(clock);
    this.#patience = new Patience(clock);
    this.#status = new Cell<ChatStatus>(this.#pace, client.status);
    this.#unsent = new Topic(this.#pace);
    this.#sends = this.#newSends();
    this.#listing = this.#newListing();
    this.#threads = this.#newThreads();
    this.#people = new People({
      clock,
      pace: this.#pace,
      patience: this.#patience,
      directory,
      onNames: (users) => {
        for (const members of this.#members.values()) members.named(users);
      },
    });
    this.status = this.#status;
    this.conversations = this.#listing.list;
    this.unsent = { get: () => this.#sends.all, subscribe: this.#unsent.subscribe };
    parts.keeper.onWritten = (error) => {
      this.#storeFailed(error);
    };
    this.#listing.resume(kept, kept.has(SEEN));
    this.#follow();
    this.#sends.resume(kept);
    this.#activity = watchActivity((active) => {
      client.setActive(active);
    }, parts.page);
  }

  #newSends(): Sends<B> {
    const { client, user, keeper } = this.#parts;
    return new Sends({
      me: user,
      newId: () => client.newId(),
      send: async (target, body, options) => client.send(target, body, options),
      isClosed: () => client.state === "closed",
      peerOf: (id) => this.#listing.get(id)?.peer,
      keep: (key, value) => {
        keeper.set(key, value);
      },
      onConversation: (peer, id) => {
        this.#bind(peer, id);
      },
      isPast: (id, seq) => this.#threads.peek(id)?.isPast(seq) ?? true,
      onChange: (key) => {
        this.#unsent.changed();
        this.#threads.changed(key);
      },
    });
  }

  #newListing(): Listing<B> {
    const { client, user, clock, keeper } = this.#parts;
    return new Listing({
      me: user,
      clock,
      now: () => client.serverTime(),
      pace: this.#pace,
      patience: this.#patience,
      keeper,
      pull: async (id, options) => client.pull(id, options),
      read: async (id, seq) => client.read(id, seq),
      noOf: (id, seq) => this.#threads.peek(id)?.noOf(seq),
      onPeer: (peer, id) => {
        this.#bind(peer, id);
      },
      onChange: () => {
        keeper.saveSoon(this.#save);
      },
    });
  }

  #newThreads(): Threads<B> {
    const { client, user, linesMax } = this.#parts;
    return new Threads({
      pace: this.#pace,
      sends: this.#sends,
      history: { me: user, linesMax, patience: this.#patience },
      pull: (id) => async (options) => client.pull(id, options),
      conversationOf: (target) => ("to" in target ? this.#listing.withPeer(target.to) : target.conversation),
      markRead: (id, seq) => {
        this.markRead(id, seq);
      },
      edit: async (id, seq, body) => client.edit(id, seq, body),
      recall: async (id, seq) => client.recall(id, seq),
    });
  }

  /** One conversation; undefined while it is not known. The same object for the same id. */
  conversation(id: string): Live<ConversationView<B> | undefined> {
    return this.#listing.watch(id);
  }

  /** The thread with a user or of a conversation. The same object for the same target, while it is in use. */
  thread(target: Target): Thread<B> {
    return this.#threads.of(target);
  }

  /** The members of a conversation, loaded while somebody is subscribed. */
  members(conversation: string): Live<MembersView> {
    const { directory } = this.#parts;
    const parts = { pace: this.#pace, patience: this.#patience, directory, people: this.#people };
    return this.#members.of(conversation, () => new Members(conversation, parts)).cell;
  }

  /** The name that a user goes by, looked up once somebody is subscribed. */
  profile(user: string): Live<Profile> {
    return this.#people.profile(user);
  }

  /** Takes a profile that the application knows from elsewhere, such as its own user's after `changeName`. */
  learn(profile: Profile): void {
    this.#people.learn(profile);
  }

  /**
   * Marks a conversation as read up to `seq`; by default everything. It shows at once, and is sent until the
   * server has it.
   */
  markRead(conversation: string, seq = Number.MAX_SAFE_INTEGER): void {
    this.#listing.markRead(conversation, seq);
  }

  /**
   * Says what the application knows of whether somebody looks at this device, such as that nobody has touched
   * it for a while. In a browser the chat knows by itself whether the page is visible, and a hidden page is
   * inactive whatever is said. It holds until the next call. Use it in place of the client's.
   */
  setActive(active: boolean): void {
    this.#activity.say(active);
  }

  /**
   * Closes the client for good. Resolves once the store has what the next run needs. What is unsent is sent
   * then.
   */
  async close(): Promise<void> {
    this.#stop();
    this.client.close();
    this.#pace.stop();
    await this.#parts.keeper.close();
  }

  /**
   * Closes, and removes everything of this device from the store, unsent messages included. For a sign-out.
   */
  async forget(): Promise<void> {
    await this.close();
    await this.#parts.keeper.forget();
  }

  /** Ends what would go on by itself. */
  #stop(): void {
    this.#activity.stop();
    this.#patience.stop();
    this.#people.stop();
    this.#listing.stop();
  }

  readonly #save = (): void => {
    this.#listing.save();
    const seen = this.client.seen();
    if (seen !== undefined) this.#parts.keeper.set(SEEN, seen);
  };

  /**
   * Takes notices as soon as they are known: an event is in the list and in its thread before any listener.
   */
  #follow(): void {
    const { client } = this;
    client.on("state", () => {
      this.#stateOf(client.status);
    });
    client.on("conversations", ({ conversations, complete }) => {
      this.#listing.listed(conversations, complete);
    });
    client.on("event", ({ event }) => {
      this.#event(event);
    });
    client.on("receipt", ({ conversation, user, seq }) => {
      if (user === this.user) this.#listing.readUpTo(conversation, seq);
    });
    client.on("settings", (settings) => {
      this.#listing.settings(settings.conversation, settings);
    });
    client.on("reset", () => {
      this.#listing.reset();
      this.#threads.reset();
    });
  }

  #stateOf(status: Status): void {
    const { storeError } = this.#status.get();
    this.#status.set(storeError === undefined ? status : { ...status, storeError });
    this.#patience.isOnline = status.state === "online";
    if (status.state === "closed") this.#stop();
  }

  /** The store has refused something; `undefined` if it works. */
  #storeFailed(storeError: unknown): void {
    const { storeError: before, ...status } = this.#status.get();
    if (before !== storeError)
      this.#status.set(storeError === undefined ? status : { ...status, storeError });
  }

  #event(event: ConversationEvent<B>): void {
    this.#sends.event(event);
    this.#listing.event(event);
    this.#threads.event(event);
    this.#sends.settle(event.conversation);
    // Who has left is told nothing of the members, and hears of it when they come back.
    if (event.users !== undefined && this.#listing.get(event.conversation)?.isMember !== false)
      this.#members.peek(event.conversation)?.changed();
  }

  #bind(user: string, conversation: string): void {
    this.#listing.bind(user, conversation);
    this.#sends.move(user, conversation);
    this.#threads.bound(conversation);
  }
}
