import type { TailRecord } from "./run.ts";
import { fieldsOfExtra } from "@jichat/conversation/extra.ts";
import type { Folding } from "@jichat/conversation/kind.ts";
import type { FacetValues, Place, State } from "@jichat/conversation/state.ts";
import { kindOf } from "@jichat/conversation/tables.ts";
import type { EventKind, KeptSettings, OwnSettings } from "@jichat/protocol/frame/server-frame.ts";
import type { ConversationFacts, IdFacts, MemberFacts } from "@jichat/protocol/bus/query.ts";
import { isDirect } from "@jichat/protocol/ids.ts";

/** A row of the `lifecycle` table. Members and names are folded from these rows. */
export interface LifecycleRow {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly kind: string;
  readonly sender: string;
  readonly users: readonly string[];
  readonly name: string;
  readonly position: number;
  /** Compact JSON of the kind's further fields. Rows of level 0 have none. */
  readonly extra: string;
}
export interface HeadRow {
  readonly conversation: string;
  readonly head: number;
  readonly no: number;
  readonly ts: number;
  readonly position: number;
}
export interface MarkRow {
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly no: number;
  readonly position: number;
}

/** A user's own settings as of `position`. */
export interface SettingRow {
  readonly conversation: string;
  readonly user: string;
  /** The conversation's head then. */
  readonly seq: number;
  readonly position: number;
  /** Compact JSON; empty if all are as they were at the beginning. */
  readonly value: string;
}

/** Says nothing about ids: `from` is later than any id. */
const NO_IDS: RecentIds = { from: Number.MAX_SAFE_INTEGER, ids: [] };

interface Membership {
  first: number;
  mark: number;
  markNo: number;
  position: number;
  left?: number;
  settings?: KeptSettings;
}

/** The settings of a user, and where they were made. */
interface SettingsAt {
  readonly seq: number;
  readonly position: number;
  readonly settings: OwnSettings | undefined;
}

/**
 * A conversation folded from rows and records, in order. Former members are kept, with the seq of their
 * leaving.
 */
export class Folded implements State {
  readonly id: string;
  name: string | undefined;
  creator = "";
  facets: FacetValues = {};
  head = 0;
  no = 0;
  ts = 0;
  position = 0;
  readonly members = new Map<string, Membership>();
  #lifecycleSeq = 0;
  /** The latest by user, also if they belong to a membership that is not known yet. */
  readonly #settings = new Map<string, SettingsAt>();

  constructor(id: string) {
    this.id = id;
  }

  /**
   * Applies a lifecycle row. Rows and records overlap while a run is being written, so each seq counts once.
   */
  lifecycle({
    seq,
    no,
    kind,
    sender,
    users,
    name,
    position,
    extra,
  }: Omit<LifecycleRow, "conversation">): void {
    const event = { kind: kind as EventKind, from: sender, users, ...(name === "" ? {} : { name }) };
    this.#fold({ ...event, ...fieldsOfExtra(extra) }, { seq, no, position });
  }

  #fold(event: Folding, place: Place): void {
    if (place.seq <= this.#lifecycleSeq) return;
    this.#lifecycleSeq = place.seq;
    kindOf(event.kind)?.apply?.(this, event, place);
  }

  join(users: readonly string[], { seq, no, position }: Place): void {
    for (const user of users) {
      this.members.set(user, { first: seq, mark: seq, markNo: no, position });
      this.#applySettings(user);
    }
  }

  leave(users: readonly string[], { seq, position }: Place): void {
    for (const user of users) {
      const known = this.members.get(user);
      if (known === undefined) continue;
      known.left = seq;
      known.position = Math.max(known.position, position);
      delete known.settings;
    }
  }

  /** Takes a user's settings, unless later ones are known. They end with their membership. */
  set(user: string, at: SettingsAt): void {
    const known = this.#settings.get(user);
    if (known !== undefined && known.position > at.position) return;
    this.#settings.set(user, at);
    this.#applySettings(user);
  }

  #applySettings(user: string): void {
    const at = this.#settings.get(user);
    const member = this.members.get(user);
    if (at === undefined || member === undefined || member.left !== undefined || at.seq < member.first)
      return;
    member.settings = { ...at.settings, at: at.position };
    member.position = Math.max(member.position, at.position);
  }

  setting({ user, seq, position, value }: Omit<SettingRow, "conversation">): void {
    const settings = value === "" ? undefined : (JSON.parse(value) as OwnSettings);
    this.set(user, { seq, position, settings });
  }

  mark(user: string, { seq, no, position }: Place): void {
    const member = this.members.get(user);
    if (member === undefined || seq <= member.mark) return;
    member.mark = seq;
    member.markNo = no;
    member.position = Math.max(member.position, position);
  }

  /** Edits and recalls are folded separately, for the messages that are shown (`changes.ts`). */
  recall(): void {}

  /** Moves the head forward, never back. */
  headAt(row: Omit<HeadRow, "conversation">): void {
    if (row.head <= this.head) return;
    this.head = row.head;
    this.no = row.no;
    this.ts = row.ts;
    this.position = row.position;
  }

  /** Applies records. Those that the rows already contain count once. */
  records(records: readonly TailRecord[]): void {
    for (const { record, position } of records) {
      if (record.r === "note") continue;
      if (record.r === "setting") {
        this.set(record.user, { seq: record.seq, position, settings: record.settings });
        continue;
      }
      const place = { seq: record.seq, no: record.no, position };
      if (record.r === "mark") {
        this.mark(record.user, place);
        continue;
      }
      const kind = kindOf(record.kind);
      if (kind?.isFolded === true) this.#fold(record, place);
      else kind?.apply?.(this, record, place);
      this.headAt({ head: record.seq, no: record.no, ts: record.ts, position });
    }
  }

  /**
   * At most `limit` current members after the user `after`, ordered by id. `next` is the last of them if
   * there are more.
   */
  membersPage(after: string, limit: number): { members: MemberFacts[]; next: string | undefined } {
    const users = [...this.members].flatMap(([user, { left }]) =>
      left === undefined && user > after ? [user] : [],
    );
    const some = users.sort().slice(0, limit);
    return {
      members: some.map((user) => this.#memberFacts(user)),
      next: users.length > some.length ? some.at(-1) : undefined,
    };
  }

  #memberFacts(user: string): MemberFacts {
    const { first = 0, mark = 0, markNo = 0, settings } = this.members.get(user) ?? {};
    return { user, first, mark, markNo, ...(settings === undefined ? {} : { settings }) };
  }

  /** The conversation's facts with at most `membersMax` members. The others come in pages (`membersPage`). */
  facts(recent: RecentIds = NO_IDS, membersMax = Number.MAX_SAFE_INTEGER): ConversationFacts {
    const { members, next } = this.membersPage("", membersMax);
    return {
      conversation: this.id,
      kind: isDirect(this.id) ? "direct" : "group",
      ...(this.name === undefined ? {} : { name: this.name }),
      creator: this.creator,
      head: this.head,
      no: this.no,
      ts: this.ts,
      position: this.position,
      ...(Object.keys(this.facets).length === 0 ? {} : { facets: this.facets }),
      members,
      ...(next === undefined ? {} : { membersNext: next }),
      idsFrom: recent.from,
      ids: recent.ids,
    };
  }
}

/**
 * All UUIDv7 ids made after `from`. If there are too many to list, `ids` is empty and `from` is the largest
 * integer.
 */
export interface RecentIds {
  readonly from: number;
  readonly ids: readonly IdFacts[];
}
