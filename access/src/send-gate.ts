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
 * it, until the refused `id` comes again or 5 s pass. It decides as sends arrive, and in that order: what
 * waits already when one in front of it is refused, the lane refuses with it.
 */
export class SendGate {
  /** None for most sockets, ever: eight thousand empty maps are worth their bytes. */
  #gates: Map<string, Gate> | undefined;
  #ordinal = 0;

  /** The place of a send that arrives: of two that are refused the gate waits for the earlier. */
  next(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  /** A send was refused, and not by this gate: the 5 s begin anew. */
  refused(conversation: string, id: string, ordinal: number, refusal: Refused, now: number): void {
    const until = now + SEND_GATE_MS;
    const gates = (this.#gates ??= new Map());
    const known = gates.get(conversation);
    if (known !== undefined && known.until > now && known.ordinal <= ordinal) {
      gates.set(conversation, { ...known, until });
      return;
    }
    const [oldest] = gates.size >= GATES_MAX ? gates.keys() : [];
    if (oldest !== undefined) gates.delete(oldest);
    gates.set(conversation, { id, ordinal, until, refusal });
  }

  /** The refusal to share, or undefined when the send may go on. To be asked of each as it arrives. */
  check(conversation: string, id: string, now: number): Refused | undefined {
    const gate = this.#gates?.get(conversation);
    if (gate === undefined) return undefined;
    if (gate.id !== id && now < gate.until) return gate.refusal;
    this.#gates?.delete(conversation);
    return undefined;
  }
}
