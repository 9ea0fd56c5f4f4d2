import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Acked, ListedState, Sent, Standing, Violation } from "./ledger-checks.ts";
import { checkAcks, checkIds, checkOrder, checkStrangers, checkUnread, missing } from "./ledger-checks.ts";

/** The identity of the event at one seq: two reports of the event must have the same one. */
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
 * A page shows edited and recalled messages in their present form, so bodies are compared only if neither
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
 * Records every send, ack and receipt of every device, and judges them. It knows nothing about how the
 * product works.
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

  /** Registers a device that must receive every event in its user's conversations from now on. */
  device(user: string, device: string): void {
    this.#account.devices.set(`${user}/${device}`, { user, received: new Map() });
  }

  /**
   * Records a send. `target` is the conversation as the device names it, since the order of sends holds per
   * target.
   */
  sent(user: string, device: string, target: string, id: string): void {
    this.#account.sent.push({ user, device, target, id, order: this.#account.sent.length });
  }

  /**
   * Records a refusal for good, whether or not the device heard of it. The refusal is decided, and keeps no
   * place in the order. If the id is sent again, it is a new send, and may be accepted after later sends (ADR
   * 0010).
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

  /** Records an event as a device showed it to its application. */
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

  /** Records a complete history as one member pulled it at the end. */
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

  /** Records a conversation as one of a user's devices lists it at the end. */
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

  /** Whether every acked event has been seen by every device that must see it. */
  isCaughtUp(): boolean {
    return (
      this.#account.acks.every(
        ({ conversation, seq }) => this.#account.standing.get(conversation)?.has(seq) === true,
      ) && missing(this.#account, 1).length === 0
    );
  }

  /** All violations; empty if every invariant holds. */
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
