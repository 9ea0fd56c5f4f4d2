import { inspect } from "node:util";
import type {
  ConversationFacts,
  FactsQuery,
  FactsReply,
  HeadBrief,
  HeadEntry,
  HeadsQuery,
  HeadsReply,
  HistoryQuery,
  HistoryReply,
  ListEntry,
  ListQuery,
  ListReply,
  MembersPage,
  Query,
} from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { timeOfId } from "@jichat/protocol/ids.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import { eventOf } from "@jichat/conversation/event.ts";
import { Folded } from "@jichat/storage/fold.ts";
import { pageBounds } from "@jichat/storage/history.ts";
import { QueryServer } from "@jichat/storage/query-server.ts";
import { trimTarget } from "@jichat/storage/trim.ts";
import type { Guards } from "./guards.ts";
import type { LogModel } from "./log-model.ts";
import type { Network } from "./network.ts";
import type { ClusterDice, Time } from "./world.ts";
import { Machine } from "./world.ts";

const RECENT_IDS_MS = 60_000;
/** The number of conversations in one answer. The rest is asked for again, and again. */
const ROOM = 1;
/** The number of members of one conversation in one answer. */
const MEMBERS_ROOM = 2;

/** The parts of a cluster that storage uses. */
interface StorageParts {
  readonly time: Time;
  readonly dice: ClusterDice;
  readonly log: LogModel;
  readonly network: Network;
  readonly guards: Guards;
  violate(invariant: string, what: string): void;
}

/**
 * A model of storage and ClickHouse behind the product's query server. It consumes the log with a delay,
 * forgets unflushed data in a crash, and answers at positions.
 */
export class StorageModel {
  readonly #time: Time;
  readonly #dice: ClusterDice;
  readonly #log: LogModel;
  readonly #guards: Guards;
  readonly #queries: QueryServer<Pick<StorageModel, "until">>;
  #stopServing: () => void;
  /** Everything consumed, both in ClickHouse and in the tail. */
  readonly #records = new Map<string, { record: LogRecord; position: number }[]>();
  consumed = 0;
  watermark = 0;
  #done = 0;
  #awayUntil = 0;
  #lagUntil = 0;
  lostPosition: number | undefined;

  constructor(parts: StorageParts) {
    const { time, dice, log, network, guards } = parts;
    this.#time = time;
    this.#dice = dice;
    this.#log = log;
    this.#guards = guards;
    const machine = new Machine(time, dice, 0);
    this.#queries = new QueryServer({
      bus: network.join("storage", machine),
      names: network.names,
      answer: async (query) => this.#answer(query),
      clock: machine.clock,
      log: {
        error: (of: object, line: string): void => {
          parts.violate("I1", `storage: ${line}: ${inspect(of)}`);
        },
      },
      metrics: { countQuery: () => undefined },
    });
    this.#stopServing = this.#queries.serve(0, this);
    void this.#consume();
    void this.#flush();
  }

  /** Falls back to the watermark: everything consumed beyond it is read again. Nobody answers meanwhile. */
  crash(awayMs: number): void {
    this.#awayUntil = Math.max(this.#awayUntil, this.#time.now + awayMs);
    this.#stopServing();
    this.#time.after(this.#awayUntil - this.#time.now, () => {
      if (this.#isAway) return; // It has crashed once more.
      this.#stopServing();
      this.#stopServing = this.#queries.serve(0, this);
    });
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
    return this.#time.now < this.#awayUntil;
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

  /** Waits until `position` is consumed. False if that takes longer than `ms`. */
  async until(position: number, ms: number): Promise<boolean> {
    const end = this.#time.now + ms;
    while (this.#isAway || (this.#guards.position && this.consumed < position)) {
      if (this.#time.now > end) return false;
      await this.#time.sleep(5);
    }
    return true;
  }

  #answer(query: Query): unknown {
    switch (query.q) {
      case "facts":
        return this.#facts(query);
      case "heads":
        return this.#heads(query);
      case "history":
        return this.page(query);
      case "list":
        return this.#list(query);
      case "members":
        throw new ChatError("INTERNAL", "no device of the simulation asks for members");
    }
  }

  #fold(id: string): Folded | undefined {
    const folded = new Folded(id);
    folded.records(this.#records.get(id) ?? []);
    return folded.head === 0 ? undefined : folded;
  }

  #facts({ conversations, ids, events, members = [] }: FactsQuery): FactsReply {
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
          user: record.r === "event" ? record.from : record.user,
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

  /** A page for a user. Throws NOT_FOUND where the user may read nothing. */
  page({
    user,
    conversation,
    after,
    limit,
  }: Omit<HistoryQuery, "v" | "q" | "partition" | "position">): HistoryReply {
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
    return { events, first: visible.first, head: visible.last, more };
  }

  /** A user's conversations, from which Redis is rebuilt. */
  #list({ user, after = "" }: ListQuery): ListReply {
    const entries: ListEntry[] = [];
    const heads: HeadBrief[] = [];
    for (const id of [...this.#records.keys()].filter((one) => one > after).sort()) {
      if (entries.length === ROOM)
        return { entries, heads, next: this.#guards.rest ? entries.at(-1)?.conversation : undefined };
      const folded = this.#fold(id);
      const member = folded?.members.get(user);
      if (folded === undefined || member === undefined) continue;
      const { first, mark, markNo, position: at, left, settings } = member;
      entries.push({
        conversation: id,
        position: at,
        first,
        mark,
        markNo,
        ...(left === undefined ? {} : { left }),
        ...(settings === undefined ? {} : { settings }),
      });
      if (left === undefined) heads.push({ conversation: id, position: folded.position, ts: folded.ts });
    }
    return { entries, heads };
  }

  /** Whole heads of the given conversations, for those where the user is a member. */
  #heads({ user, conversations }: HeadsQuery): HeadsReply {
    const rest = this.#guards.rest ? conversations.slice(ROOM) : [];
    return { heads: conversations.slice(0, ROOM).flatMap((id) => this.#headOf(id, user)), rest };
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
