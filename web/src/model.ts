import { ChatClient } from "@jichat/client/chat-client.ts";
import type { ConnectionState, Conversation, Notice, Target } from "@jichat/client/types.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Listed } from "./listed.ts";
import { bornOf, directWith, peerOf } from "./listed.ts";
import type { Thread } from "./thread-events.ts";
import { withEvent } from "./thread-events.ts";

export interface Pending {
  readonly id: string;
  readonly target: string;
  readonly text: string;
  error: string | undefined;
}

export const textOf = (event: ChatEvent): string => {
  const text = (event.body as { text?: unknown } | undefined)?.text;
  return typeof text === "string" ? text : "";
};

/** A 1-1 conversation that is not there yet is named by its user. */
export const isNew = (target: string): boolean => target.startsWith("@");

const PAGE = 50;
const READ_DELAY_MS = 150;

/** Everything that the page shows, kept in step with the server by one client of the SDK. */
export class ChatModel {
  readonly me: string;
  readonly client: ChatClient;
  readonly conversations = new Map<string, Listed>();
  readonly threads = new Map<string, Thread>();
  pending: Pending[] = [];
  connection: ConnectionState = "connecting";
  closedBy: ChatError | undefined;
  listed = false;
  open: string | undefined;
  readonly #watchers = new Set<() => void>();
  #reading: ReturnType<typeof setTimeout> | undefined;

  constructor(me: string, urls: readonly string[], device: string, token: () => Promise<string>) {
    this.me = me;
    this.client = new ChatClient({ urls, device, token, client: "jichat-web/0.1" });
    void this.#follow();
    this.client.connect().catch(() => undefined); // The state says why, and the page shows it.
    document.addEventListener("visibilitychange", () => {
      this.#markRead();
    });
  }

  watch(act: () => void): () => void {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  #changed(): void {
    for (const act of this.#watchers) act();
  }

  get sorted(): Listed[] {
    return [...this.conversations.values()]
      .filter(({ left }) => !left)
      .sort((a, b) => (b.last?.ts ?? 0) - (a.last?.ts ?? 0));
  }

  async #follow(): Promise<void> {
    for await (const notice of this.client.events()) {
      this.#take(notice);
      this.#changed();
    }
  }

  #take(notice: Notice): void {
    switch (notice.t) {
      case "state":
        this.connection = notice.state;
        if (notice.state === "closed") this.closedBy = notice.error;
        return;
      case "conversations":
        for (const listed of notice.conversations) this.#list(listed);
        if (notice.complete) this.listed = true;
        return;
      case "event":
        return this.#event(notice.event);
      case "receipt":
        return this.#receipt(notice.conversation, notice.user, notice.seq);
    }
  }

  #list(listed: Conversation): void {
    const { conversation: id } = listed;
    const known = this.conversations.get(id);
    if ("left" in listed) {
      if (known !== undefined) known.left = true;
      return;
    }
    const { kind, name, peer, first, head, read, unread, last } = listed;
    this.conversations.set(id, {
      id,
      kind,
      name: kind === "group" ? (name ?? id) : (peer ?? id),
      first,
      head,
      read: Math.max(read, known?.read ?? 0),
      unread,
      last,
      left: false,
    });
    this.#arrived(id, peer);
  }

  /** A 1-1 conversation that one's own first message has just made. */
  #begin(id: string, peer: string): void {
    const known = this.conversations.get(id);
    if (known === undefined) this.conversations.set(id, directWith(id, peer));
  }

  /** The first message to somebody has made the conversation: what was open under the user's name is it. */
  #arrived(id: string, peer: string | undefined): void {
    if (peer !== undefined && this.open === `@${peer}`) this.show(id);
  }

  #event(event: ChatEvent): void {
    const { conversation: id, from } = event;
    let listed = this.conversations.get(id);
    if (event.kind === "created" || (listed === undefined && event.kind !== "left")) {
      const peer = peerOf(event, this.me);
      listed ??= bornOf(event, peer);
      this.conversations.set(id, listed);
      this.#arrived(id, peer);
    }
    if (listed === undefined) return;
    if (event.kind === "renamed" && event.name !== undefined)
      this.conversations.set(id, (listed = { ...listed, name: event.name }));
    if (event.users?.includes(this.me) === true) listed.left = event.kind === "left";
    if (event.seq > listed.head) {
      if (event.kind === "message") listed.unread = from === this.me ? 0 : listed.unread + 1;
      if (event.kind === "message" && from === this.me) listed.read = event.seq;
      listed.head = event.seq;
      listed.last = event;
    }
    this.#add(event);
    this.#markRead();
  }

  #add(event: ChatEvent): void {
    const thread = this.threads.get(event.conversation);
    if (thread !== undefined) thread.events = withEvent(thread.events, event);
  }

  #receipt(id: string, user: string, seq: number): void {
    const listed = this.conversations.get(id);
    if (listed === undefined || user !== this.me || seq <= listed.read) return;
    listed.read = seq;
    const thread = this.threads.get(id);
    const knows = (thread?.events[0]?.seq ?? Number.POSITIVE_INFINITY) <= seq;
    if (seq >= listed.head) listed.unread = 0;
    else if (knows)
      listed.unread =
        thread?.events.filter((event) => event.seq > seq && event.kind === "message").length ?? 0;
  }

  /** Opens a conversation, or with `@user` one that is yet to be made. */
  show(target: string | undefined): void {
    this.open = target;
    if (target !== undefined && !isNew(target) && !this.threads.has(target)) {
      this.threads.set(target, { events: [], atFirst: false, loading: false });
      void this.loadOlder(target);
    }
    this.#markRead();
    this.#changed();
  }

  async loadOlder(id: string): Promise<void> {
    const thread = this.threads.get(id);
    if (thread === undefined || thread.loading || thread.atFirst) return;
    thread.loading = true;
    this.#changed();
    try {
      const before = thread.events[0]?.seq;
      const page = await this.client.pull(id, { limit: PAGE, ...(before === undefined ? {} : { before }) });
      const known = new Set(thread.events.map(({ seq }) => seq));
      thread.events = [...page.events.filter(({ seq }) => !known.has(seq)), ...thread.events];
      thread.atFirst = !page.more;
    } catch {
      // Offline or busy: the banner says so, and this comes again.
      setTimeout(() => void this.loadOlder(id), 1_000);
    } finally {
      thread.loading = false;
      this.#changed();
    }
  }

  async send(target: string, text: string): Promise<void> {
    const pending: Pending = { id: crypto.randomUUID(), target, text, error: undefined };
    this.pending = [...this.pending, pending];
    this.#changed();
    const to: Target = isNew(target) ? { to: target.slice(1) } : { conversation: target };
    try {
      const { id, conversation, seq, ts } = await this.client.send(to, { text });
      this.pending = this.pending.filter((other) => other !== pending);
      if (isNew(target)) this.#begin(conversation, target.slice(1));
      const listed = this.conversations.get(conversation);
      const no = (listed?.last?.no ?? 0) + 1;
      this.#event({ conversation, seq, no, kind: "message", from: this.me, ts, id, body: { text } });
      if (isNew(target) && this.open === target) this.show(conversation);
    } catch (error) {
      pending.error = error instanceof Error ? error.message : String(error);
    }
    this.#changed();
  }

  retry(pending: Pending): void {
    this.pending = this.pending.filter((other) => other !== pending);
    void this.send(pending.target, pending.text);
  }

  discard(pending: Pending): void {
    this.pending = this.pending.filter((other) => other !== pending);
    this.#changed();
  }

  async createGroup(name: string, members: readonly string[]): Promise<void> {
    const { conversation, seq, ts } = await this.client.createGroup(name, members);
    this.#event({
      conversation,
      seq,
      no: 0,
      kind: "created",
      from: this.me,
      ts,
      users: [this.me, ...members],
      name,
    });
    this.show(conversation);
  }

  /** An edit or recall of one's own: shown when it is acked. */
  async change(event: ChatEvent, text: string | undefined): Promise<void> {
    const { conversation, seq: target, no } = event;
    const { seq, ts } =
      text === undefined
        ? await this.client.recall(conversation, target)
        : await this.client.edit(conversation, target, { text });
    this.#event({
      conversation,
      seq,
      no,
      kind: text === undefined ? "recalled" : "edited",
      from: this.me,
      ts,
      target,
      body: text === undefined ? undefined : { text },
    });
    this.#changed();
  }

  /** What is on the screen has been read. */
  #markRead(): void {
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => {
      const listed = this.conversations.get(this.open ?? "");
      if (
        listed === undefined ||
        listed.left ||
        document.visibilityState !== "visible" ||
        listed.read >= listed.head
      )
        return;
      listed.read = listed.head;
      listed.unread = 0;
      this.#changed();
      // A mark that is lost is made again by the next.
      this.client.read(listed.id, listed.head).catch(() => undefined);
    }, READ_DELAY_MS);
  }

  close(): void {
    this.client.close();
  }
}
