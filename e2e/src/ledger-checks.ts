import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";

/** A violation that the ledger found, with the invariant of docs/design.md that it breaks. */
export interface Violation {
  readonly invariant: string;
  readonly what: string;
}

export interface Sent {
  readonly user: string;
  readonly device: string;
  readonly target: string;
  readonly id: string;
  readonly order: number;
}
export interface Acked {
  readonly user: string;
  readonly device: string;
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
}
export interface ListedState {
  readonly first: number;
  readonly head: number;
  readonly read: number;
  readonly unread: number;
}

export interface Standing {
  readonly print: string;
  body: string | undefined;
  readonly event: ChatEvent;
}
interface Interval {
  readonly from: number;
  to: number;
}

/** The complete record, which the checks read. */
export interface Account {
  readonly devices: ReadonlyMap<string, { readonly user: string; readonly received: Map<string, number[]> }>;
  readonly sent: readonly Sent[];
  readonly acks: readonly Acked[];
  /** `user device id` of sends that were refused for good at some time. */
  readonly refused: ReadonlySet<string>;
  readonly reads: readonly { readonly user: string; readonly conversation: string; readonly seq: number }[];
  readonly standing: ReadonlyMap<string, ReadonlyMap<number, Standing>>;
  readonly heads: ReadonlyMap<string, number>;
  readonly histories: readonly {
    readonly user: string;
    readonly conversation: string;
    readonly seqs: readonly number[];
  }[];
  readonly listed: readonly {
    readonly user: string;
    readonly conversation: string;
    readonly state: ListedState;
  }[];
}

/** I1, for storage: every acked write is in the history under its seq and id. I4: one id has one seq. */
export function checkAcks(account: Account): Violation[] {
  const violations: Violation[] = [];
  const seqs = new Map<string, number>();
  for (const { user, id, conversation, seq } of account.acks) {
    const key = `${user} ${conversation} ${id}`;
    const known = seqs.get(key);
    if (known !== undefined && known !== seq)
      violations.push({ invariant: "I4", what: `${key} was acked as ${known} and as ${seq}` });
    seqs.set(key, seq);
    const standing = account.standing.get(conversation)?.get(seq)?.event;
    if (standing === undefined)
      violations.push({ invariant: "I1", what: `${key} was acked as ${seq} and stands nowhere` });
    else if (standing.id !== id || standing.from !== user) {
      violations.push({
        invariant: "I1",
        what: `${key} was acked as ${seq}, where ${standing.from} ${standing.id ?? ""} stands`,
      });
    }
  }
  return violations;
}

/**
 * I3: the acks of one device to one target rise in the order of its sends. Sends that were refused for good
 * have no place in this order.
 */
export function checkOrder(account: Account): Violation[] {
  const violations: Violation[] = [];
  const acked = new Map(account.acks.map(({ user, device, id, seq }) => [`${user} ${device} ${id}`, seq]));
  const last = new Map<string, { seq: number; id: string }>();
  for (const { user, device, target, id } of account.sent) {
    const name = `${user} ${device} ${id}`;
    const seq = acked.get(name);
    if (seq === undefined || account.refused.has(name)) continue;
    const key = `${user}/${device} to ${target}`;
    const before = last.get(key);
    if (before !== undefined && before.seq >= seq) {
      violations.push({
        invariant: "I3",
        what: `${key}: ${id} got ${seq}, ${before.id} sent before it got ${before.seq}`,
      });
    }
    last.set(key, { seq, id });
  }
  return violations;
}

/** I4: an id has only one seq in a conversation. Also checks I2 (`checkNumbers`). */
export function checkIds(account: Account): Violation[] {
  const violations: Violation[] = [];
  for (const [conversation, seqs] of account.standing) {
    const ids = new Map<string, number>();
    for (const [seq, { event }] of [...seqs].sort(([a], [b]) => a - b)) {
      if (event.id === undefined) continue;
      const key = `${event.from} ${event.id}`;
      const known = ids.get(key);
      if (known !== undefined)
        violations.push({
          invariant: "I4",
          what: `${key} stands in ${conversation} as ${known} and as ${seq}`,
        });
      ids.set(key, seq);
    }
    violations.push(...checkNumbers(conversation, seqs));
  }
  return violations;
}

/** Membership, derived from the events themselves. */
function intervalsOf(account: Account, conversation: string): Map<string, Interval[]> {
  const intervals = new Map<string, Interval[]>();
  const seqs = [...(account.standing.get(conversation) ?? [])].sort(([a], [b]) => a - b);
  for (const [seq, { event }] of seqs) {
    for (const user of event.users ?? []) {
      const known = intervals.get(user) ?? [];
      intervals.set(user, known);
      if (event.kind === "created" || event.kind === "joined")
        known.push({ from: seq, to: Number.POSITIVE_INFINITY });
      const last = known.at(-1);
      if (event.kind === "left" && last !== undefined) last.to = seq;
    }
  }
  return intervals;
}

/** I5: nobody sees an event from outside the time of membership. */
export function checkStrangers(account: Account): Violation[] {
  const violations: Violation[] = [];
  for (const conversation of account.standing.keys()) {
    const intervals = intervalsOf(account, conversation);
    const isIn = (user: string, seq: number): boolean =>
      intervals.get(user)?.some(({ from, to }) => from <= seq && seq <= to) === true;
    const check = (user: string, who: string, seqs: readonly number[]): void => {
      for (const seq of seqs)
        if (!isIn(user, seq))
          violations.push({
            invariant: "I5",
            what: `${who} saw ${conversation} ${seq} and was no member then`,
          });
    };
    for (const [name, { user, received }] of account.devices)
      check(user, name, received.get(conversation) ?? []);
    for (const history of account.histories)
      if (history.conversation === conversation)
        check(history.user, `the history of ${history.user}`, history.seqs);
  }
  return violations;
}

/** I6: the unread count matches the history, and the mark covers everything that the user sent or read. */
export function checkUnread(account: Account): Violation[] {
  const violations: Violation[] = [];
  for (const { user, conversation, state } of account.listed) {
    const seqs = account.standing.get(conversation) ?? new Map<number, Standing>();
    const messages = [...seqs].filter(
      ([seq, { event }]) => event.kind === "message" && seq > state.read && seq <= state.head,
    ).length;
    const name = `${user} in ${conversation}`;
    if (messages !== state.unread)
      violations.push({
        invariant: "I6",
        what: `${name} is told ${state.unread} unread behind ${state.read}, there are ${messages}`,
      });
    const own = account.acks.filter(
      (ack) =>
        ack.user === user && ack.conversation === conversation && seqs.get(ack.seq)?.event.kind === "message",
    );
    const reads = account.reads.filter((read) => read.user === user && read.conversation === conversation);
    const least = Math.max(0, ...own.map(({ seq }) => seq), ...reads.map(({ seq }) => seq));
    if (state.read < least)
      violations.push({
        invariant: "I6",
        what: `${name} has the mark ${state.read}, after sending or reading ${least}`,
      });
  }
  return violations;
}

/** I1, for delivery: every device of every member has seen every event from the time of membership. */
export function missing(account: Account, atMost: number): string[] {
  const missing: string[] = [];
  const own = new Map<string, Set<number>>();
  for (const { user, device, conversation, seq } of account.acks) {
    const key = `${user}/${device} ${conversation}`;
    own.set(key, (own.get(key) ?? new Set()).add(seq));
  }
  for (const [conversation, seqs] of account.standing) {
    const intervals = intervalsOf(account, conversation);
    const head = Math.max(account.heads.get(conversation) ?? 0, ...seqs.keys());
    for (const [name, { user, received }] of account.devices) {
      const seen = new Set(received.get(conversation));
      const sent = own.get(`${name} ${conversation}`);
      for (const { from, to } of intervals.get(user) ?? []) {
        for (let seq = from; seq <= Math.min(to, head); seq += 1) {
          if (seen.has(seq) || sent?.has(seq) === true) continue;
          missing.push(`${name} never saw ${conversation} ${seq}`);
          if (missing.length >= atMost) return missing;
        }
      }
    }
  }
  return missing;
}

/** I2: seqs have no holes, time never decreases, and `no` counts the messages. */
function checkNumbers(conversation: string, seqs: ReadonlyMap<number, Standing>): Violation[] {
  const violations: Violation[] = [];
  let before: ChatEvent | undefined;
  for (const [seq, { event }] of [...seqs].sort(([a], [b]) => a - b)) {
    if (before !== undefined) {
      const where = `${conversation} ${seq}`;
      if (seq !== before.seq + 1)
        violations.push({
          invariant: "I2",
          what: `${conversation} has a hole between ${before.seq} and ${seq}`,
        });
      else if (event.no !== before.no + (event.kind === "message" ? 1 : 0))
        violations.push({ invariant: "I6", what: `${where} has no ${event.no} after ${before.no}` });
      if (event.ts < before.ts)
        violations.push({ invariant: "I2", what: `${where} is older than what is before it` });
    }
    before = event;
  }
  return violations;
}
