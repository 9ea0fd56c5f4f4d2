import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { AckedSend } from "../ledger.ts";
import { Ledger } from "../ledger.ts";

/**
 * The waits of people: for the ack of a send, for a page of history, and for the event of another person's
 * send.
 */
export type Need = "send" | "pull" | "live";

/** A longer wait is noticed by a person. The cluster is not level while such a wait lasts. */
const NOTICED_MS = 2_000;

/** Records how long people waited, from `start` on. */
export class Waits {
  readonly #now: () => number;
  readonly #longest: Record<Need, number> = { send: 0, pull: 0, live: 0 };
  #counts = false;
  #noticedUntil = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Starts counting. Earlier waits do not count, since connecting takes time too. */
  start(): void {
    this.#counts = true;
  }

  now(): number {
    return this.#now();
  }

  /** Records a wait that began at `since` and ends now. */
  ended(wish: Need, since: number): void {
    if (!this.#counts) return;
    const now = this.#now();
    this.#longest[wish] = Math.max(this.#longest[wish], now - since);
    if (now - since > NOTICED_MS) this.#noticedUntil = now;
  }

  longest(wish: Need): number {
    return this.#longest[wish];
  }

  /** The milliseconds from `moment` to the end of the last noticed wait. */
  levelAfter(moment: number): number {
    return Math.max(0, this.#noticedUntil - moment);
  }
}

/** A ledger that also measures the waits in what it records. */
export class TimedLedger extends Ledger {
  readonly #waits: Waits;
  readonly #sentAt = new Map<string, number>();
  /** When the first device knew of an event. From then on, no other device should wait long for it. */
  readonly #knownAt = new Map<string, number>();

  constructor(waits: Waits) {
    super();
    this.#waits = waits;
  }

  override sent(user: string, device: string, target: string, id: string): void {
    super.sent(user, device, target, id);
    this.#sentAt.set(`${user} ${device} ${id}`, this.#waits.now());
  }

  override acked(user: string, device: string, send: AckedSend): void {
    super.acked(user, device, send);
    const { id, conversation, seq } = send;
    const since = this.#sentAt.get(`${user} ${device} ${id}`);
    if (since !== undefined) this.#waits.ended("send", since);
    this.#known(conversation, seq);
  }

  override received(user: string, device: string, event: ChatEvent): void {
    super.received(user, device, event);
    this.#waits.ended("live", this.#known(event.conversation, event.seq));
  }

  #known(conversation: string, seq: number): number {
    const key = `${conversation} ${seq}`;
    const known = this.#knownAt.get(key) ?? this.#waits.now();
    this.#knownAt.set(key, known);
    return known;
  }
}
