import type { ChatEvent, Muted } from "@jichat/protocol/frame/server-frame.ts";

export const ME = "ann";

export interface Conversation {
  readonly id: string;
  readonly peer: string | undefined;
  readonly events: ChatEvent[];
  readonly seqById: Map<string, number>;
  changedAt: number;
  /** Messages so far. */
  no: number;
  /** How far the user has read, and `no` of that event. */
  mark: number;
  markNo: number;
  muted: Muted | undefined;
  /** The version at which that was changed. */
  settingsAt: number;
}

/** What the cluster holds: conversations of one user, each numbered without a hole. */
export class ModelStore {
  readonly conversations = new Map<string, Conversation>();
  version = 0;

  /** Made by `creator` where it is not there. */
  direct(peer: string, creator: string): Conversation {
    const id = `d_${peer}`;
    const known = this.conversations.get(id);
    return known ?? this.#made(id, peer, creator, [ME, peer]);
  }

  group(id: string): Conversation {
    return this.conversations.get(id) ?? this.#made(id, undefined, ME, [ME]);
  }

  #made(id: string, peer: string | undefined, creator: string, users: readonly string[]): Conversation {
    const made: Conversation = {
      id,
      peer,
      events: [],
      seqById: new Map(),
      changedAt: 0,
      no: 0,
      mark: 1,
      markNo: 0,
      muted: undefined,
      settingsAt: 0,
    };
    this.conversations.set(id, made);
    this.append(made, { kind: "created", from: creator, users });
    return made;
  }

  append(conversation: Conversation, what: Omit<ChatEvent, "conversation" | "seq" | "no" | "ts">): ChatEvent {
    const seq = conversation.events.length + 1;
    if (what.kind === "message") conversation.no += 1;
    const event = { conversation: conversation.id, seq, no: conversation.no, ts: seq, ...what };
    conversation.events.push(event);
    if (what.kind === "message" && what.from === ME)
      [conversation.mark, conversation.markNo] = [seq, conversation.no];
    if (what.id !== undefined) conversation.seqById.set(what.id, seq);
    this.version += 1;
    conversation.changedAt = this.version;
    return event;
  }

  /** The user has read up to `seq`. Returns the mark. */
  read(conversation: Conversation, seq: number): number {
    const at = Math.min(seq, conversation.events.length);
    if (at <= conversation.mark) return conversation.mark;
    [conversation.mark, conversation.markNo] = [at, conversation.events[at - 1]?.no ?? 0];
    this.version += 1;
    conversation.changedAt = this.version;
    return at;
  }

  mute(conversation: Conversation, muted: Muted | undefined): void {
    this.version += 1;
    conversation.muted = muted;
    conversation.settingsAt = this.version;
    conversation.changedAt = this.version;
  }

  /** An event as a page shows it: a message in its present form. */
  shown({ events }: Conversation, event: ChatEvent): ChatEvent {
    const isGone = (target: number | undefined): boolean =>
      events.some((other) => other.kind === "recalled" && other.target === target);
    if (event.kind === "edited" && isGone(event.target)) return { ...event, body: undefined };
    if (event.kind !== "message") return event;
    const change = events.findLast(
      ({ kind, target }) => target === event.seq && (kind === "edited" || kind === "recalled"),
    );
    if (change === undefined) return event;
    const { body: _, ...rest } = event;
    return change.kind === "recalled"
      ? { ...rest, recalled: change.seq }
      : { ...rest, body: change.body, edited: change.seq };
  }

  /** A page of what has changed since a cursor; page tokens say where they go on. */
  synced(since: string | undefined, page: string | undefined, limit: number): object {
    const [from = since?.slice(1) ?? "0", at = "0", cursor = `c${this.version}`] = page?.split("/") ?? [];
    const changed = [...this.conversations.values()].filter(({ changedAt }) => changedAt > Number(from));
    const end = Number(at) + limit;
    const more = end < changed.length;
    return {
      conversations: changed
        .slice(Number(at), end)
        .map(({ id, peer, events, no, mark, markNo, muted, settingsAt }) => ({
          conversation: id,
          kind: peer === undefined ? "group" : "direct",
          peer,
          first: 1,
          head: events.length,
          read: mark,
          unread: no - markNo,
          ...(muted === undefined ? {} : { muted }),
          ...(settingsAt === 0 ? {} : { settingsAt }),
          last: events.at(-1),
        })),
      cursor,
      more,
      next: more ? `${from}/${end}/${cursor}` : undefined,
    };
  }
}
