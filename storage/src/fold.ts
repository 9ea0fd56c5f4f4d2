import type { TailRecord } from "./run.ts";
import type { ConversationFacts, IdFacts } from "@jichat/protocol/bus/query.ts";
import { isDirect } from "@jichat/protocol/ids.ts";

/** A row of the `lifecycle` table: what makes members and names. */
export interface LifecycleRow {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly kind: string;
  readonly sender: string;
  readonly users: readonly string[];
  readonly name: string;
  readonly position: number;
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

/** Nothing is said about ids. */
const NO_IDS: RecentIds = { from: Number.MAX_SAFE_INTEGER, ids: [] };

interface Membership {
  first: number;
  mark: number;
  markNo: number;
  position: number;
  left?: number;
}

/** A conversation as rows and records tell it, in order. Members who left are kept, with where. */
export class Folded {
  readonly id: string;
  name: string | undefined;
  creator = "";
  head = 0;
  no = 0;
  ts = 0;
  position = 0;
  readonly members = new Map<string, Membership>();
  #lifecycleSeq = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** Rows and records overlap while a run is being written: each counts once, by its seq. */
  lifecycle(row: Omit<LifecycleRow, "conversation">): void {
    if (row.seq <= this.#lifecycleSeq) return;
    this.#lifecycleSeq = row.seq;
    if (row.kind === "created") this.creator = row.sender;
    if (row.kind === "created" || row.kind === "renamed") this.name = row.name === "" ? this.name : row.name;
    if (row.kind === "renamed") return;
    for (const user of row.users) {
      const known = this.members.get(user);
      if (row.kind !== "left")
        this.members.set(user, { first: row.seq, mark: row.seq, markNo: row.no, position: row.position });
      else if (known !== undefined) {
        known.left = row.seq;
        known.position = Math.max(known.position, row.position);
      }
    }
  }

  mark(user: string, seq: number, no: number, position: number): void {
    const member = this.members.get(user);
    if (member === undefined || seq <= member.mark) return;
    member.mark = seq;
    member.markNo = no;
    member.position = Math.max(member.position, position);
  }

  headAt(row: Omit<HeadRow, "conversation">): void {
    if (row.head <= this.head) return;
    this.head = row.head;
    this.no = row.no;
    this.ts = row.ts;
    this.position = row.position;
  }

  /** Records that may be among the rows already: what was seen is not counted twice. */
  records(records: readonly TailRecord[]): void {
    for (const { record, position } of records) {
      if (record.r === "mark") this.mark(record.user, record.seq, record.no, position);
      if (record.r !== "event") continue;
      const { seq, no, kind, from, users = [], name = "", ts } = record;
      if (kind === "created" || kind === "joined" || kind === "left" || kind === "renamed") {
        this.lifecycle({ seq, no, kind, sender: from, users, name, position });
      }
      if (kind === "message") this.mark(from, seq, no, position);
      this.headAt({ head: seq, no, ts, position });
    }
  }

  facts(recent: RecentIds = NO_IDS): ConversationFacts {
    const members = [...this.members].filter(([, { left }]) => left === undefined);
    return {
      conversation: this.id,
      kind: isDirect(this.id) ? "direct" : "group",
      ...(this.name === undefined ? {} : { name: this.name }),
      creator: this.creator,
      head: this.head,
      no: this.no,
      ts: this.ts,
      position: this.position,
      members: members.map(([user, { first, mark, markNo }]) => ({ user, first, mark, markNo })),
      idsFrom: recent.from,
      ids: recent.ids,
    };
  }
}

/** Every UUIDv7 id that was made later than `from`; too many to list: none, and `from` at the end of time. */
export interface RecentIds {
  readonly from: number;
  readonly ids: readonly IdFacts[];
}
