import type { Refused } from "@jichat/protocol/bus/command.ts";
import { RefusedLine } from "./refused-line.ts";

/** Limit of refused sends of one socket, over all its conversations, that the client has not sent again. */
export const REFUSED_SENDS_MAX = 1_024;

/** A refusal by someone other than this gate: the send's place in the order, and when it was refused. */
export interface GateRefusal {
  readonly place: number;
  readonly refusal: Refused;
  readonly now: number;
}

/**
 * Keeps the order of one socket's sends, conversation by conversation (docs/protocol.md, "Order of sends").
 * No later send overtakes one that has a retryable refusal, its own or a shared one. The gate must see sends
 * in the order of their arrival. Sends that already wait when an earlier one is refused are refused by the
 * lane.
 */
export class SendGate {
  /** Allocated lazily: most sockets never need it. */
  #lines: Map<string, RefusedLine> | undefined;
  #refused = 0;
  #ordinal = 0;

  /** The place of an arriving send in the socket's order. A repeated send keeps its first place. */
  place(conversation: string, id: string): number {
    const known = this.#lines?.get(conversation)?.placeOf(id);
    if (known !== undefined) return known;
    this.#ordinal += 1;
    return this.#ordinal;
  }

  /** True if no refused send is still to come again. Callers then skip the gate and the clock. */
  get isIdle(): boolean {
    return this.#refused === 0;
  }

  /** The refusal that this send shares, or undefined if it may go on. Call it for each send as it arrives. */
  admit(conversation: string, id: string, place: number, now: number): Refused | undefined {
    const line = this.#lines?.get(conversation);
    if (line === undefined) return undefined;
    const before = line.size;
    const refusal = line.admit(id, place, now);
    this.#count(conversation, line, before, now);
    return refusal;
  }

  /** Records a retryable refusal that this gate did not make itself. */
  refused(conversation: string, id: string, { place, refusal, now }: GateRefusal): void {
    const lines = (this.#lines ??= new Map());
    const line = lines.get(conversation) ?? new RefusedLine();
    lines.set(conversation, line);
    const before = line.size;
    line.refuse(id, place, refusal, now);
    this.#count(conversation, line, before, now);
  }

  /** Records that a send was acked or finally refused. */
  settled(conversation: string, id: string, now: number): void {
    const line = this.#lines?.get(conversation);
    if (line === undefined) return;
    const before = line.size;
    line.settle(id, now);
    this.#count(conversation, line, before, now);
  }

  /**
   * True if more refused sends are pending than the gate keeps. The caller must close the socket: if one were
   * forgotten, a later send could overtake it.
   */
  get isFull(): boolean {
    return this.#refused > REFUSED_SENDS_MAX;
  }

  #count(conversation: string, line: RefusedLine, before: number, now: number): void {
    this.#refused += line.size - before;
    if (line.size === 0) this.#lines?.delete(conversation);
    if (this.isFull) this.#sweep(now);
  }

  #sweep(now: number): void {
    this.#refused = 0;
    for (const [conversation, line] of this.#lines ?? []) {
      line.sweep(now);
      this.#refused += line.size;
      if (line.size === 0) this.#lines?.delete(conversation);
    }
  }
}
