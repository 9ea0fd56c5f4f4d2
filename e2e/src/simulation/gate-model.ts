import type { Refused } from "@jichat/protocol/bus/command.ts";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import type { GateRefusal } from "@jichat/edge/send-gate.ts";
import { SendGate } from "@jichat/edge/send-gate.ts";
import type { Guards } from "./guards.ts";

export type Gate = Pick<SendGate, "place" | "admit" | "refused" | "settled" | "isFull">;

/** The product's gate, or the weaker gate that remains without a guard. */
export function gateFor({ sendGate, refusedLine }: Guards): Gate {
  if (!sendGate) return NO_GATE;
  return refusedLine ? new SendGate() : new GateOfOne();
}

const NO_GATE: Gate = {
  place: () => 0,
  admit: () => undefined,
  refused: () => undefined,
  settled: () => undefined,
  isFull: false,
};

/**
 * The gate without its line. It waits only for the earliest refused send, whatever happens to that send, and
 * each refusal restarts the 5 s. A send that only shares a refusal is not remembered.
 */
class GateOfOne implements Gate {
  readonly isFull = false;
  readonly #first = new Map<string, { id: string; place: number; until: number; refusal: Refused }>();
  #ordinal = 0;

  place(): number {
    this.#ordinal += 1;
    return this.#ordinal;
  }

  admit(conversation: string, id: string, _place: number, now: number): Refused | undefined {
    const first = this.#first.get(conversation);
    if (first !== undefined && first.id !== id && now < first.until) return first.refusal;
    this.#first.delete(conversation);
    return undefined;
  }

  refused(conversation: string, id: string, { place, refusal, now }: GateRefusal): void {
    const first = this.#first.get(conversation);
    const isBehind = first !== undefined && first.until > now && first.place <= place;
    const until = now + SEND_GATE_MS;
    this.#first.set(conversation, isBehind ? { ...first, until } : { id, place, until, refusal });
  }

  settled(): void {
    // Only this send's id, or the time limit, opens the gate.
  }
}
