import type { Refused } from "@jichat/protocol/bus/command.ts";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";

interface Gate {
  readonly id: string;
  readonly ordinal: number;
  readonly until: number;
  readonly refusal: Refused;
}

const GATES_MAX = 1_000;

/**
 * One socket's order of sends (PROTOCOL): after a retryable refusal, later sends to that conversation share
 * it, until the refused `id` comes again or 5 s pass. Sends are numbered as they arrive, so that one from
 * before the refusal is not held.
 */
export class SendGate {
  readonly #gates = new Map<string, Gate>();
  #ordinal = 0;

  next(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  refused(conversation: string, id: string, ordinal: number, refusal: Refused, now: number): void {
    const known = this.#gates.get(conversation);
    if (known !== undefined && known.until > now && known.ordinal <= ordinal) return;
    if (this.#gates.size >= GATES_MAX) this.#gates.clear();
    this.#gates.set(conversation, { id, ordinal, until: now + SEND_GATE_MS, refusal });
  }

  /** The refusal to share, or undefined when the send may go. Asked in the order in which sends arrived. */
  check(conversation: string, id: string, ordinal: number, now: number): Refused | undefined {
    const gate = this.#gates.get(conversation);
    if (gate === undefined || ordinal < gate.ordinal) return undefined;
    if (gate.id !== id && now < gate.until) return gate.refusal;
    this.#gates.delete(conversation);
    return undefined;
  }
}
