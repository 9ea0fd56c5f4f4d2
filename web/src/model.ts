import { ChatClient } from "@jichat/client/chat-client.ts";
import type { ConnectionState, Conversation, Notice, Target } from "@jichat/client/types.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { explain } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import { bornOf, directWith, listedOf, peerOf } from "./listed.ts";
import type { Pending } from "./outgoing.ts";
import { Outgoing } from "./outgoing.ts";
import type { Thread } from "./thread-events.ts";
import { withEvent } from "./thread-events.ts";

/** A 1-1 conversation that does not exist yet is named by its user. */
export const isNew = (target: string): boolean => target.startsWith("@");

/**
 * The first page is small, so that the newest messages appear soon. Older pages are larger, since a reader
 * who scrolls usually goes on.
 */
const [FIRST_PAGE, OLDER_PAGE] = [50, 200];
const READ_DELAY_MS = 150;

/** The state of the whole page. One client of the SDK keeps it in step with the server. */
export class ChatModel {
  readonly me: string;
  readonly client: ChatClient;
  readonly outgoing: Outgoing;
  readonly conversations = new Map<string, ConversationRow>();
  readonly threads = new Map<string, Thread>();
  connection: ConnectionState = "connecting";
  closedBy: ChatError | undefined;
  listed = false;
  open: string | undefined;
  readonly #watchers = new Set<() => void>();
  #reading: ReturnType<typeof setTimeout> | undefined;

  constructor(me: string, urls: readonly string[], device: string, token: () => Promise<string>) {
    this.me = me;
    // The echo also brings this device's own changes: an ack does not say, for example, who was invited.
    this.client = new ChatClient({ urls, device, token, client: "jichat-web/0.1", echo: true });
    this.outgoing = new Outgoing(me, () => this.client.newId());
    void this.#follow();
    for (const kept of this.outgoing.all) if (kept.error === undefined) void this.#transmit(kept);
    this.client.connect().catch(() => undefined); // The state has the reason, and the page shows it.
    document.addEventListener("visibilitychange", this.#markRead);
  }

  watch(act: () => void): () => void {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  #changed(): void {
    for (const act of this.#watchers) act();
  }

  get sorted(): ConversationRow[] {
    return [...this.conversations.values()]
      .filter(({ left }) => !left)
      .sort((a, b) => (b.last?.ts ?? 0) - (a.last?.ts ?? 0));
  }

  get unread(): number {
    return this.sorted.reduce((sum, { unread }) => sum + unread, 0);
  }

  async #follow(): Promise<void> {
    for await (const notice of this.client.events()) {
      this.#receive(notice);
      this.#changed();
    }
  }

  #receive(notice: Notice): void {
    switch (notice.t) {
      case "state":
        this.connection = notice.state;
        if (notice.state === "closed") this.closedBy = notice.error;
        return;
      case "conversations":
        for (const listed of notice.conversations) this.#list(listed);
        if (notice.complete) this.#isListed();
        return;
      case "reset":
        return this.#reset();
      case "event":
        return this.#event(notice.event);
      case "receipt":
        return this.#receipt(notice.conversation, notice.user, notice.seq);
    }
  }

  /** Reopens the conversation that was open before a reset, if it still exists. */
  #isListed(): void {
    this.listed = true;
    const { open } = this;
    if (open !== undefined && !isNew(open) && !this.threads.has(open))
      this.show(this.conversations.has(open) ? open : undefined);
  }

  /** The cluster has begun anew, and its present state follows. Drafts and unsent messages stay. */
  #reset(): void {
    this.conversations.clear();
    this.threads.clear();
    this.listed = false;
  }

  #list(listed: Conversation): void {
    const { conversation: id } = listed;
    const known = this.conversations.get(id);
    if (!("left" in listed)) {
      this.conversations.set(id, listedOf(listed, known));
      this.#arrived(id, listed.peer);
    } else if (known !== undefined) known.left = true;
  }

  /**
   * The first message to a user has created the conversation. If it was open under the user's name, it is
   * shown now.
   */
  #arrived(id: string, peer: string | undefined): void {
    if (peer !== undefined && this.open === `@${peer}`) this.show(id);
  }

  #event(event: ChatEvent): void {
    const { conversation: id, from } = event;
    // The echo may come before the ack. The message is shown only once.
    if (from === this.me && event.id !== undefined) this.outgoing.remove(event.id);
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
      const isSeen = from === this.me || (this.open === id && document.visibilityState === "visible");
      if (event.kind === "message") listed.unread = isSeen ? 0 : listed.unread + 1;
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

  /** Opens a conversation. `@user` stands for one that does not exist yet. */
  show(target: string | undefined): void {
    this.open = target;
    if (target !== undefined && !isNew(target)) {
      const listed = this.conversations.get(target);
      const known = this.threads.get(target);
      const thread = known ?? { events: [], atFirst: false, loading: false, readAtOpen: undefined };
      thread.readAtOpen = (listed?.unread ?? 0) > 0 ? listed?.read : undefined;
      this.threads.set(target, thread);
      if (known === undefined) void this.loadOlder(target);
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
      const page = await this.client.pull(
        id,
        before === undefined ? { limit: FIRST_PAGE } : { limit: OLDER_PAGE, before },
      );
      const known = new Set(thread.events.map(({ seq }) => seq));
      thread.events = [...page.events.filter(({ seq }) => !known.has(seq)), ...thread.events];
      thread.atFirst = !page.more;
    } catch {
      // The client is offline or busy: the banner says so, and the request is repeated.
      setTimeout(() => void this.loadOlder(id), 1_000);
    } finally {
      thread.loading = false;
      this.#changed();
    }
  }

  send(target: string, text: string): void {
    void this.#transmit(this.outgoing.add(target, text));
    this.#changed();
  }

  async #transmit({ id, target, text }: Pending): Promise<void> {
    const to: Target = isNew(target) ? { to: target.slice(1) } : { conversation: target };
    try {
      const { conversation, seq, ts } = await this.client.send(to, { text }, { id });
      this.outgoing.remove(id);
      if (isNew(target)) {
        if (!this.conversations.has(conversation))
          this.conversations.set(conversation, directWith(conversation, target.slice(1)));
        this.outgoing.move(target, conversation);
      }
      const no = (this.conversations.get(conversation)?.last?.no ?? 0) + 1;
      this.#event({ conversation, seq, no, kind: "message", from: this.me, ts, id, body: { text } });
      if (isNew(target) && this.open === target) this.show(conversation);
    } catch (error) {
      // A closed client cannot send any more: the message waits for the next client.
      if (this.client.state !== "closed") this.outgoing.mark(id, explain(error));
    }
    this.#changed();
  }

  retry({ id }: Pending): void {
    this.outgoing.mark(id, undefined);
    const again = this.outgoing.all.find((pending) => pending.id === id);
    if (again !== undefined) void this.#transmit(again);
    this.#changed();
  }

  discard({ id }: Pending): void {
    this.outgoing.remove(id);
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

  /** Edits or recalls one of the user's own messages. The change is shown when it is acked. */
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

  /** Marks everything on the screen as read. */
  readonly #markRead = (): void => {
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
      // If a mark is lost, the next one replaces it.
      this.client.read(listed.id, listed.head).catch(() => undefined);
    }, READ_DELAY_MS);
  };

  close(): void {
    document.removeEventListener("visibilitychange", this.#markRead);
    clearTimeout(this.#reading);
    this.client.close();
  }
}
