import type {
  ConversationFacts,
  FactsReply,
  HeadBrief,
  HeadEntry,
  HeadsReply,
  HistoryReply,
  ListEntry,
  ListReply,
  MembersPage,
} from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { timeOfId } from "@jichat/protocol/ids.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { FactsSource } from "@jichat/router/ports.ts";
import type { FactsQuestion } from "@jichat/router/whole-facts.ts";
import { wholeFacts } from "@jichat/router/whole-facts.ts";
import { eventOf } from "@jichat/conversation/event.ts";
import { Folded } from "@jichat/storage/fold.ts";
import { pageBounds } from "@jichat/storage/history.ts";
import { trimTarget } from "@jichat/storage/trim.ts";
import type { Guards } from "./guards.ts";
import type { LogModel } from "./log-model.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { Machine, Time } from "./world.ts";

/** A page as a client sees it, with bodies that are maps. */
export interface ModelPage extends Omit<HistoryReply, "events"> {
  readonly events: readonly ChatEvent[];
}

const WAIT_MS = 2_000;
const RECENT_IDS_MS = 60_000;
/** The number of conversations in one answer. The rest is asked for again, and again. */
const ROOM = 1;
/** The number of members of one conversation in one answer. */
const MEMBERS_ROOM = 2;

interface ModelQuery {
  readonly user: string;
  readonly conversation: string;
  readonly after: number;
  readonly limit: number;
}

/**
 * A model of storage and ClickHouse. It consumes the log with a delay, forgets unflushed data in a crash, and
 * answers at positions.
 */
export class StorageModel {
  readonly #time: Time;
  readonly #dice: Dice;
  readonly #log: LogModel;
  readonly #guards: Guards;
  /** Everything consumed, both in ClickHouse and in the tail. */
  readonly #records = new Map<string, { record: LogRecord; position: number }[]>();
  consumed = 0;
  watermark = 0;
  #done = 0;
  awayUntil = 0;
  #lagUntil = 0;
  lostPosition: number | undefined;

  constructor(time: Time, dice: Dice, log: LogModel, guards: Guards) {
    this.#time = time;
    this.#dice = dice;
    this.#log = log;
    this.#guards = guards;
    void this.#consume();
    void this.#flush();
  }

  /** Falls back to the watermark: everything consumed beyond it is read again. */
  crash(awayMs: number): void {
    this.awayUntil = this.#time.now + awayMs;
    this.consumed = this.watermark;
    for (const [id, records] of this.#records)
      this.#records.set(
        id,
        records.filter(({ position }) => position <= this.watermark),
      );
  }

  /** Answers, but consumes nothing: ClickHouse or the network to NATS is slow. */
  lag(ms: number): void {
    this.#lagUntil = this.#time.now + ms;
  }

  get #isAway(): boolean {
    return this.#time.now < this.awayUntil;
  }

  async #consume(): Promise<void> {
    for (;;) {
      await this.#time.sleep(
        this.#dice.chance(0.05) ? this.#dice.between(100, 1_500) : this.#dice.between(1, 25),
      );
      if (this.#time.now < this.#lagUntil) continue;
      while (!this.#isAway && this.consumed < this.#log.end) {
        const batch = this.#log.at(this.consumed + 1);
        if (batch === undefined) {
          this.lostPosition ??= this.consumed + 1; // Trimmed before it was read: gone for ever.
          break;
        }
        this.consumed += 1;
        this.#done = Math.max(this.#done, batch.done);
        for (const record of batch.records) {
          const known = this.#records.get(record.conversation) ?? [];
          this.#records.set(record.conversation, known);
          known.push({ record, position: this.consumed });
        }
        if (this.#dice.chance(0.3)) break;
      }
    }
  }

  async #flush(): Promise<void> {
    for (;;) {
      await this.#time.sleep(this.#dice.between(100, 700));
      if (this.#isAway) continue;
      this.watermark = this.consumed;
      if (!this.#dice.chance(0.5)) continue;
      const target = this.#guards.trimRule
        ? trimTarget(this.#log.end, { watermark: this.watermark, done: this.#done })
        : this.#log.end - 1;
      this.#log.trimmedTo = Math.max(this.#log.trimmedTo, target);
    }
  }

  async #at<T>(position: number, answer: () => T): Promise<T> {
    const until = this.#time.now + WAIT_MS;
    while (this.#isAway || (this.#guards.position && this.consumed < position)) {
      if (this.#time.now > until) throw new ChatError("UNAVAILABLE", "storage is behind or away");
      await this.#time.sleep(5);
    }
    return answer();
  }

  #fold(id: string): Folded | undefined {
    const folded = new Folded(id);
    folded.records(this.#records.get(id) ?? []);
    return folded.head === 0 ? undefined : folded;
  }

  /** The questions of one router, over the network. */
  factsFor(machine: Machine): FactsSource {
    return {
      watermark: () => this.watermark,
      ask: async (question) =>
        wholeFacts(async (one) => {
          await machine.alive();
          await machine.hop();
          const reply = await this.#at(one.position, () => this.#facts(one));
          await machine.hop();
          await machine.alive();
          return reply;
        }, question),
    };
  }

  #facts({ conversations, ids, events, members = [] }: FactsQuestion): FactsReply {
    const found = conversations.slice(0, ROOM).flatMap((id): ConversationFacts[] => {
      const folded = this.#fold(id);
      if (folded === undefined) return [];
      const facts = folded.facts(this.#recentIds(id), MEMBERS_ROOM);
      return [this.#guards.memberPages ? facts : { ...facts, membersNext: undefined }];
    });
    const pages = members.flatMap(({ conversation, after }): MembersPage[] => {
      const folded = this.#fold(conversation);
      if (folded === undefined) return [];
      const { members: some, next } = folded.membersPage(after, MEMBERS_ROOM);
      return [{ conversation, head: folded.head, members: some, membersNext: next }];
    });
    const known = !this.#guards.oldIds
      ? []
      : ids.flatMap(({ conversation, user, id }) =>
          this.#idsOf(conversation)
            .filter((entry) => entry.user === user && entry.id === id)
            .map((entry) => ({ ...entry, conversation })),
        );
    const seen = events.flatMap(({ conversation, seq }) =>
      this.#eventsOf(conversation)
        .filter((event) => event.seq === seq)
        .map(({ no, kind, from, ts }) => ({ conversation, seq, no, kind, from, ts })),
    );
    const rest = this.#guards.rest ? conversations.slice(ROOM) : [];
    return { conversations: found, ids: known, events: seen, rest, members: pages };
  }

  #recentIds(conversation: string): {
    from: number;
    ids: { user: string; id: string; seq: number; ts: number }[];
  } {
    const from = this.#time.now - RECENT_IDS_MS;
    return { from, ids: this.#idsOf(conversation).filter(({ id }) => (timeOfId(id) ?? 0) > from) };
  }

  #idsOf(conversation: string): { user: string; id: string; seq: number; ts: number }[] {
    return (this.#records.get(conversation) ?? []).flatMap(({ record }) => {
      if (record.r === "mark" || record.id === undefined) return [];
      return [
        {
          user: record.r === "note" ? record.user : record.from,
          id: record.id,
          seq: record.seq,
          ts: record.ts,
        },
      ];
    });
  }

  #eventsOf(conversation: string): EventRecord[] {
    return (this.#records.get(conversation) ?? []).flatMap(({ record }) =>
      record.r === "event" ? [record] : [],
    );
  }

  /** A page for a user, at a position that the user's connector knows of. */
  async history(position: number, { user, conversation, after, limit }: ModelQuery): Promise<ModelPage> {
    return this.#at(position, () => {
      const folded = this.#fold(conversation);
      const member = folded?.members.get(user);
      if (folded === undefined || member === undefined)
        throw new ChatError("NOT_FOUND", "no such conversation, or not for you");
      const visible = {
        first: member.first,
        last: member.left ?? folded.head,
        member: member.left === undefined,
      };
      const { from, to, more } = pageBounds(visible, { after, limit });
      const events = this.#eventsOf(conversation)
        .filter(({ seq }) => seq >= from && seq <= to)
        .map(eventOf);
      return { events: parsedBodies(events) as ChatEvent[], first: visible.first, head: visible.last, more };
    });
  }

  /** A user's conversations, from which Redis is rebuilt. */
  async list(position: number, user: string, after = ""): Promise<ListReply> {
    return this.#at(position, () => {
      const entries: ListEntry[] = [];
      const heads: HeadBrief[] = [];
      for (const id of [...this.#records.keys()].filter((one) => one > after).sort()) {
        if (entries.length === ROOM)
          return { entries, heads, next: this.#guards.rest ? entries.at(-1)?.conversation : undefined };
        const folded = this.#fold(id);
        const member = folded?.members.get(user);
        if (folded === undefined || member === undefined) continue;
        const { first, mark, markNo, position: at, left } = member;
        entries.push({
          conversation: id,
          position: at,
          first,
          mark,
          markNo,
          ...(left === undefined ? {} : { left }),
        });
        if (left === undefined) heads.push({ conversation: id, position: folded.position, ts: folded.ts });
      }
      return { entries, heads };
    });
  }

  /** Whole heads of the given conversations, for those where the user is a member. */
  async heads(position: number, user: string, conversations: readonly string[]): Promise<HeadsReply> {
    return this.#at(position, () => {
      const rest = this.#guards.rest ? conversations.slice(ROOM) : [];
      return { heads: conversations.slice(0, ROOM).flatMap((id) => this.#headOf(id, user)), rest };
    });
  }

  #headOf(id: string, user: string): HeadEntry[] {
    const folded = this.#fold(id);
    const member = folded?.members.get(user);
    if (folded === undefined || member === undefined || member.left !== undefined) return [];
    const { kind, members } = folded.facts();
    const { position, head: seq, no, ts } = folded;
    const pair = kind === "direct" ? { pair: members.map((one) => one.user) } : {};
    return [{ conversation: id, position, seq, no, ts, kind, ...pair }];
  }
}
