import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";

/** What the ledger found wrong, by the invariant of DESIGN 4 that it breaks. */
export interface Violation { readonly invariant: string; readonly what: string }

interface Sent { readonly user: string; readonly device: string; readonly target: string; readonly id: string; readonly order: number }
interface Acked { readonly user: string; readonly device: string; readonly id: string; readonly conversation: string; readonly seq: number }
export interface ListedState { readonly first: number; readonly head: number; readonly read: number; readonly unread: number }

/** What stands at one seq, whoever tells: two accounts of it must be the same. */
const fingerprint = (event: ChatEvent): string =>
  JSON.stringify([event.kind, event.from, event.no, event.ts, event.id ?? "", event.target ?? 0, event.users ?? [], event.name ?? "", event.replyTo ?? 0]);
/** A page shows edited and recalled messages as they are now, so bodies are compared only where neither happened. */
const bodyOf = (event: ChatEvent): string | undefined =>
  event.edited !== undefined || event.recalled !== undefined || event.body === undefined ? undefined : JSON.stringify(event.body);

interface Standing { readonly print: string; body: string | undefined; readonly event: ChatEvent }
interface Interval { readonly from: number; to: number }

/** Every send, ack and receipt of every device, and what they prove. Knows nothing of how the product works. */
export class Ledger {
  readonly #devices = new Map<string, { readonly user: string; readonly received: Map<string, number[]> }>();
  readonly #sent: Sent[] = [];
  readonly #acks: Acked[] = [];
  readonly #reads: { user: string; conversation: string; seq: number }[] = [];
  readonly #standing = new Map<string, Map<number, Standing>>();
  readonly #heads = new Map<string, number>();
  readonly #histories: { user: string; conversation: string; first: number; seqs: number[] }[] = [];
  readonly #listed: { user: string; conversation: string; state: ListedState }[] = [];
  readonly #violations: Violation[] = [];

  /** A device that is to get everything that happens in its user's conversations from now on. */
  device(user: string, device: string): void {
    this.#devices.set(`${user}/${device}`, { user, received: new Map() });
  }

  /** `target` is the conversation as the device names it: the order of its sends is per target. */
  sent(user: string, device: string, target: string, id: string): void {
    this.#sent.push({ user, device, target, id, order: this.#sent.length });
  }

  acked(user: string, device: string, id: string, conversation: string, seq: number): void {
    this.#acks.push({ user, device, id, conversation, seq });
  }

  readAcked(user: string, conversation: string, seq: number): void {
    this.#reads.push({ user, conversation, seq });
  }

  /** An event as a device showed it to its application. */
  received(user: string, device: string, event: ChatEvent): void {
    const known = this.#devices.get(`${user}/${device}`);
    if (known === undefined) throw new Error(`${user}/${device} was never announced to the ledger`);
    const seqs = known.received.get(event.conversation) ?? [];
    const last = seqs.at(-1) ?? 0;
    if (event.seq === last || seqs.includes(event.seq)) this.#found("I2", `${user}/${device} was shown ${event.conversation} ${event.seq} twice`);
    else if (event.seq < last) this.#found("I2", `${user}/${device} was shown ${event.conversation} ${event.seq} after ${last}`);
    seqs.push(event.seq);
    known.received.set(event.conversation, seqs);
    this.#stands(event, `${user}/${device}`);
  }

  /** A whole history as one member pulled it in the end. */
  history(user: string, conversation: string, first: number, head: number, events: readonly ChatEvent[]): void {
    this.#heads.set(conversation, Math.max(head, this.#heads.get(conversation) ?? 0));
    this.#histories.push({ user, conversation, first, seqs: events.map(({ seq }) => seq) });
    events.forEach((event, index) => {
      this.#stands(event, `the history of ${user}`);
      if (event.seq !== first + index) this.#found("I2", `the history of ${user} in ${conversation} has ${event.seq} where ${first + index} belongs`);
    });
    if (events.length !== head - first + 1) this.#found("I2", `the history of ${user} in ${conversation} has ${events.length} events from ${first} to ${head}`);
  }

  /** A conversation as one of a user's devices lists it in the end. */
  listed(user: string, conversation: string, state: ListedState): void {
    this.#listed.push({ user, conversation, state });
  }

  get acks(): number {
    return this.#acks.length;
  }

  get unackedIds(): readonly string[] {
    const acked = new Set(this.#acks.map(({ user, id }) => `${user} ${id}`));
    return this.#sent.filter(({ user, id }) => !acked.has(`${user} ${id}`)).map(({ user, device, id }) => `${user}/${device} ${id}`);
  }

  /** Whether everything that was acked has been seen, and by every device that is to see it. */
  isCaughtUp(): boolean {
    return this.#acks.every(({ conversation, seq }) => this.#standing.get(conversation)?.has(seq) === true) && this.#missing(1).length === 0;
  }

  /** Everything that is wrong; empty when all invariants hold. */
  check(): readonly Violation[] {
    return [
      ...this.#violations, ...this.#checkAcks(), ...this.#checkOrder(), ...this.#checkIds(), ...this.#checkStrangers(), ...this.#checkUnread(),
      ...this.#missing(50).map((what) => ({ invariant: "I1", what })),
    ];
  }

  #found(invariant: string, what: string): void {
    if (this.#violations.length < 100) this.#violations.push({ invariant, what });
  }

  #stands(event: ChatEvent, teller: string): void {
    const seqs = this.#standing.get(event.conversation) ?? new Map<number, Standing>();
    this.#standing.set(event.conversation, seqs);
    const print = fingerprint(event);
    const body = bodyOf(event);
    const known = seqs.get(event.seq);
    if (known === undefined) seqs.set(event.seq, { print, body, event });
    else if (known.print !== print) this.#found("I2", `${event.conversation} ${event.seq} is ${known.print} to some and ${print} to ${teller}`);
    else if (known.body === undefined) known.body = body;
    else if (body !== undefined && known.body !== body) this.#found("I2", `${event.conversation} ${event.seq} has another body for ${teller}`);
  }

  /** I1, the half about storage: what was acked stands in the history under its seq and id. I4: one id, one seq. */
  #checkAcks(): Violation[] {
    const violations: Violation[] = [];
    const seqs = new Map<string, number>();
    for (const { user, id, conversation, seq } of this.#acks) {
      const key = `${user} ${conversation} ${id}`;
      const known = seqs.get(key);
      if (known !== undefined && known !== seq) violations.push({ invariant: "I4", what: `${key} was acked as ${known} and as ${seq}` });
      seqs.set(key, seq);
      const standing = this.#standing.get(conversation)?.get(seq)?.event;
      if (standing === undefined) violations.push({ invariant: "I1", what: `${key} was acked as ${seq} and stands nowhere` });
      else if (standing.id !== id || standing.from !== user) {
        violations.push({ invariant: "I1", what: `${key} was acked as ${seq}, where ${standing.from} ${standing.id ?? ""} stands` });
      }
    }
    return violations;
  }

  /** I3: acks of one device to one target rise in the order of its sends. */
  #checkOrder(): Violation[] {
    const violations: Violation[] = [];
    const acked = new Map(this.#acks.map(({ user, device, id, seq }) => [`${user} ${device} ${id}`, seq]));
    const last = new Map<string, { seq: number; id: string }>();
    for (const { user, device, target, id } of this.#sent) {
      const seq = acked.get(`${user} ${device} ${id}`);
      if (seq === undefined) continue;
      const key = `${user}/${device} to ${target}`;
      const before = last.get(key);
      if (before !== undefined && before.seq >= seq) {
        violations.push({ invariant: "I3", what: `${key}: ${id} got ${seq}, ${before.id} sent before it got ${before.seq}` });
      }
      last.set(key, { seq, id });
    }
    return violations;
  }

  #checkIds(): Violation[] {
    const violations: Violation[] = [];
    for (const [conversation, seqs] of this.#standing) {
      const ids = new Map<string, number>();
      for (const [seq, { event }] of [...seqs].sort(([a], [b]) => a - b)) {
        if (event.id === undefined) continue;
        const key = `${event.from} ${event.id}`;
        const known = ids.get(key);
        if (known !== undefined) violations.push({ invariant: "I4", what: `${key} stands in ${conversation} as ${known} and as ${seq}` });
        ids.set(key, seq);
      }
      violations.push(...checkNumbers(conversation, seqs));
    }
    return violations;
  }

  /** Membership as the events themselves tell it. */
  #intervals(conversation: string): Map<string, Interval[]> {
    const intervals = new Map<string, Interval[]>();
    const seqs = [...this.#standing.get(conversation) ?? []].sort(([a], [b]) => a - b);
    for (const [seq, { event }] of seqs) {
      for (const user of event.users ?? []) {
        const known = intervals.get(user) ?? [];
        intervals.set(user, known);
        if (event.kind === "created" || event.kind === "joined") known.push({ from: seq, to: Number.POSITIVE_INFINITY });
        const last = known.at(-1);
        if (event.kind === "left" && last !== undefined) last.to = seq;
      }
    }
    return intervals;
  }

  #checkStrangers(): Violation[] {
    const violations: Violation[] = [];
    for (const conversation of this.#standing.keys()) {
      const intervals = this.#intervals(conversation);
      const isIn = (user: string, seq: number): boolean => intervals.get(user)?.some(({ from, to }) => from <= seq && seq <= to) === true;
      const check = (user: string, who: string, seqs: readonly number[]): void => {
        for (const seq of seqs) if (!isIn(user, seq)) violations.push({ invariant: "I5", what: `${who} saw ${conversation} ${seq} and was no member then` });
      };
      for (const [name, { user, received }] of this.#devices) check(user, name, received.get(conversation) ?? []);
      for (const history of this.#histories) if (history.conversation === conversation) check(history.user, `the history of ${history.user}`, history.seqs);
    }
    return violations;
  }

  #checkUnread(): Violation[] {
    const violations: Violation[] = [];
    for (const { user, conversation, state } of this.#listed) {
      const seqs = this.#standing.get(conversation) ?? new Map<number, Standing>();
      const messages = [...seqs].filter(([seq, { event }]) => event.kind === "message" && seq > state.read && seq <= state.head).length;
      const name = `${user} in ${conversation}`;
      if (messages !== state.unread) violations.push({ invariant: "I6", what: `${name} is told ${state.unread} unread behind ${state.read}, there are ${messages}` });
      const own = this.#acks.filter((ack) => ack.user === user && ack.conversation === conversation && seqs.get(ack.seq)?.event.kind === "message");
      const reads = this.#reads.filter((read) => read.user === user && read.conversation === conversation);
      const least = Math.max(0, ...own.map(({ seq }) => seq), ...reads.map(({ seq }) => seq));
      if (state.read < least) violations.push({ invariant: "I6", what: `${name} has the mark ${state.read}, after sending or reading ${least}` });
    }
    return violations;
  }

  /** I1, the half about delivery: every device of every member has seen every event of the time of membership. */
  #missing(atMost: number): string[] {
    const missing: string[] = [];
    const own = new Map<string, Set<number>>();
    for (const { user, device, conversation, seq } of this.#acks) {
      const key = `${user}/${device} ${conversation}`;
      own.set(key, (own.get(key) ?? new Set()).add(seq));
    }
    for (const [conversation, seqs] of this.#standing) {
      const intervals = this.#intervals(conversation);
      const head = Math.max(this.#heads.get(conversation) ?? 0, ...seqs.keys());
      for (const [name, { user, received }] of this.#devices) {
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
}

/** I2: no holes, time never falls, and `no` counts the messages. */
function checkNumbers(conversation: string, seqs: ReadonlyMap<number, Standing>): Violation[] {
  const violations: Violation[] = [];
  let before: ChatEvent | undefined;
  for (const [seq, { event }] of [...seqs].sort(([a], [b]) => a - b)) {
    if (before !== undefined) {
      const where = `${conversation} ${seq}`;
      if (seq !== before.seq + 1) violations.push({ invariant: "I2", what: `${conversation} has a hole between ${before.seq} and ${seq}` });
      else if (event.no !== before.no + (event.kind === "message" ? 1 : 0)) violations.push({ invariant: "I6", what: `${where} has no ${event.no} after ${before.no}` });
      if (event.ts < before.ts) violations.push({ invariant: "I2", what: `${where} is older than what is before it` });
    }
    before = event;
  }
  return violations;
}
