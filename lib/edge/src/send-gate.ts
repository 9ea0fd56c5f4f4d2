import type { Refused } from "@jichat/protocol/bus/command.ts";
import { RefusedLine } from "./refused-line.ts";

/** Refused sends of one socket that have not come again, over all its conversations. */
export const REFUSED_SENDS_MAX = 1_024;

/**
 * One socket's order of sends (docs/protocol.md), conversation by conversation: of what is refused for a
 * while, and of what only shares that, nothing is overtaken. It decides as sends arrive, and in that order:
 * what waits already when one in front of it is refused, the lane refuses with it.
 */
export class SendGate {
  /** None for most sockets, ever: eight thousand empty maps are worth their bytes. */
  #lines: Map<string, RefusedLine> | undefined;
  #refused = 0;
  #ordinal = 0;

  /** Where a send that arrives stands: one that comes again, where it stood. */
  place(conversation: string, id: string): number {
    const known = this.#lines?.get(conversation)?.placeOf(id);
    if (known !== undefined) return known;
    this.#ordinal += 1;
    return this.#ordinal;
  }

  /** Nothing is refused that has not come again: nobody has to be asked, nor the time. */
  get isIdle(): boolean {
    return this.#refused === 0;
  }

  /** The refusal that a send shares, or undefined when it may go on. To be asked of each as it arrives. */
  admit(conversation: string, id: string, place: number, now: number): Refused | undefined {
    const line = this.#lines?.get(conversation);
    if (line === undefined) return undefined;
    const before = line.size;
    const refusal = line.admit(id, place, now);
    this.#count(conversation, line, before, now);
    return refusal;
  }

  /** A send was refused for a while, and not by this gate. */
  refused(conversation: string, id: string, place: number, refusal: Refused, now: number): void {
    const lines = (this.#lines ??= new Map());
    const line = lines.get(conversation) ?? new RefusedLine();
    lines.set(conversation, line);
    const before = line.size;
    line.refuse(id, place, refusal, now);
    this.#count(conversation, line, before, now);
  }

  /** A send was acked, or refused for good. */
  settled(conversation: string, id: string, now: number): void {
    const line = this.#lines?.get(conversation);
    if (line === undefined) return;
    const before = line.size;
    line.settle(id, now);
    this.#count(conversation, line, before, now);
  }

  /**
   * More are to come again than it keeps. Its socket is to be closed: were one forgotten, what was sent
   * behind it could be taken before it.
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
