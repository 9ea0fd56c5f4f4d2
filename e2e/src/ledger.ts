import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Acked, ListedState, Sent, Standing, Violation } from "./ledger-checks.ts";
import { checkAcks, checkIds, checkOrder, checkStrangers, checkUnread, missing } from "./ledger-checks.ts";

/** What stands at one seq, whoever tells: two accounts of it must be the same. */
const fingerprint = (event: ChatEvent): string =>
  JSON.stringify([
    event.kind,
    event.from,
    event.no,
    event.ts,
    event.id ?? "",
    event.target ?? 0,
    event.users ?? [],
    event.name ?? "",
    event.replyTo ?? 0,
  ]);
/**
 * A page shows edited and recalled messages as they are now, so bodies are compared only where neither
 * happened.
 */
const bodyOf = (event: ChatEvent): string | undefined =>
  event.edited !== undefined || event.recalled !== undefined || event.body === undefined
    ? undefined
    : JSON.stringify(event.body);

export interface AckedSend {
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
}

interface PulledHistory {
  readonly first: number;
  readonly head: number;
  readonly events: readonly ChatEvent[];
}

/**
 * Every send, ack and receipt of every device, and what they prove. Knows nothing of how the product works.
 */
export class Ledger {
  readonly #account = {
    devices: new Map<string, { readonly user: string; readonly received: Map<string, number[]> }>(),
    sent: [] as Sent[],
    acks: [] as Acked[],
    refused: new Set<string>(),
    reads: [] as { user: string; conversation: string; seq: number }[],
    standing: new Map<string, Map<number, Standing>>(),
    heads: new Map<string, number>(),
    histories: [] as { user: string; conversation: string; seqs: number[] }[],
    listed: [] as { user: string; conversation: string; state: ListedState }[],
  };
  readonly #violations: Violation[] = [];

  /** A device that is to get everything that happens in its user's conversations from now on. */
  device(user: string, device: string): void {
    this.#account.devices.set(`${user}/${device}`, { user, received: new Map() });
  }

  /** `target` is the conversation as the device names it: the order of its sends is per target. */
  sent(user: string, device: string, target: string, id: string): void {
    this.#account.sent.push({ user, device, target, id, order: this.#account.sent.length });
  }

  /**
   * Refused for good, whether or not the device heard of it. That is decided, and keeps no place: an id that
   * is said again behind it is a new send, and may be taken behind what was sent after it (ADR 0010).
   */
  refused(user: string, device: string, id: string): void {
    this.#account.refused.add(`${user} ${device} ${id}`);
  }

  acked(user: string, device: string, { id, conversation, seq }: AckedSend): void {
    this.#account.acks.push({ user, device, id, conversation, seq });
  }

  readAcked(user: string, conversation: string, seq: number): void {
    this.#account.reads.push({ user, conversation, seq });
  }

  /** An event as a device showed it to its application. */
  received(user: string, device: string, event: ChatEvent): void {
    const known = this.#account.devices.get(`${user}/${device}`);
    if (known === undefined) throw new Error(`${user}/${device} was never announced to the ledger`);
    const seqs = known.received.get(event.conversation) ?? [];
    const last = seqs.at(-1) ?? 0;
    if (event.seq === last || seqs.includes(event.seq))
      this.#found("I2", `${user}/${device} was shown ${event.conversation} ${event.seq} twice`);
    else if (event.seq < last)
      this.#found("I2", `${user}/${device} was shown ${event.conversation} ${event.seq} after ${last}`);
    seqs.push(event.seq);
    known.received.set(event.conversation, seqs);
    this.#stands(event, `${user}/${device}`);
  }

  /** A whole history as one member pulled it in the end. */
  history(user: string, conversation: string, { first, head, events }: PulledHistory): void {
    this.#account.heads.set(conversation, Math.max(head, this.#account.heads.get(conversation) ?? 0));
    this.#account.histories.push({ user, conversation, seqs: events.map(({ seq }) => seq) });
    events.forEach((event, index) => {
      this.#stands(event, `the history of ${user}`);
      if (event.seq !== first + index)
        this.#found(
          "I2",
          `the history of ${user} in ${conversation} has ${event.seq} where ${first + index} belongs`,
        );
    });
    if (events.length !== head - first + 1)
      this.#found(
        "I2",
        `the history of ${user} in ${conversation} has ${events.length} events from ${first} to ${head}`,
      );
  }

  /** A conversation as one of a user's devices lists it in the end. */
  listed(user: string, conversation: string, state: ListedState): void {
    this.#account.listed.push({ user, conversation, state });
  }

  get acks(): number {
    return this.#account.acks.length;
  }

  get unackedIds(): readonly string[] {
    const acked = new Set(this.#account.acks.map(({ user, id }) => `${user} ${id}`));
    return this.#account.sent
      .filter(({ user, id }) => !acked.has(`${user} ${id}`))
      .map(({ user, device, id }) => `${user}/${device} ${id}`);
  }

  /** Whether everything that was acked has been seen, and by every device that is to see it. */
  isCaughtUp(): boolean {
    return (
      this.#account.acks.every(
        ({ conversation, seq }) => this.#account.standing.get(conversation)?.has(seq) === true,
      ) && missing(this.#account, 1).length === 0
    );
  }

  /** Everything that is wrong; empty when all invariants hold. */
  check(): readonly Violation[] {
    return [
      ...this.#violations,
      ...checkAcks(this.#account),
      ...checkOrder(this.#account),
      ...checkIds(this.#account),
      ...checkStrangers(this.#account),
      ...checkUnread(this.#account),
      ...missing(this.#account, 50).map((what) => ({ invariant: "I1", what })),
    ];
  }

  #found(invariant: string, what: string): void {
    if (this.#violations.length < 100) this.#violations.push({ invariant, what });
  }

  #stands(event: ChatEvent, teller: string): void {
    const seqs = this.#account.standing.get(event.conversation) ?? new Map<number, Standing>();
    this.#account.standing.set(event.conversation, seqs);
    const print = fingerprint(event);
    const body = bodyOf(event);
    const known = seqs.get(event.seq);
    if (known === undefined) seqs.set(event.seq, { print, body, event });
    else if (known.print !== print)
      this.#found(
        "I2",
        `${event.conversation} ${event.seq} is ${known.print} to some and ${print} to ${teller}`,
      );
    else if (known.body === undefined) known.body = body;
    else if (body !== undefined && known.body !== body)
      this.#found("I2", `${event.conversation} ${event.seq} has another body for ${teller}`);
  }
}
