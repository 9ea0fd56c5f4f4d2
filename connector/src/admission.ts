import { verbOf } from "@jichat/conversation/tables.ts";
import type { Refused } from "@jichat/protocol/bus/command.ts";
import { asChatError } from "@jichat/protocol/errors.ts";
import type { WriteFrame } from "@jichat/conversation/client-frame.ts";
import type { Existence } from "@jichat/identity/existence.ts";
import { nobody } from "@jichat/identity/existence.ts";

/** Why a frame may not go on; undefined when it may. */
export type Verdict = Refused | undefined;

/** Those whom a frame would write to or put into a group. Who does not exist can be removed without harm. */
export const namedBy = (frame: WriteFrame): readonly string[] => verbOf(frame.t).named?.(frame) ?? [];

/**
 * Whether those exist whom frames name, without frames of a socket overtaking one another: while a first
 * message or a new group waits to hear, whatever that socket writes to the same conversation waits behind it.
 */
export class Admission {
  readonly #existence: Existence | undefined;
  readonly #held = new WeakMap<object, Map<string, Promise<Verdict>>>();

  /** Without `existence` nobody is refused. */
  constructor(existence: Existence | undefined) {
    this.#existence = existence;
  }

  /** Undefined: at once. Those of one conversation that are held resolve in the order of their arrival. */
  of(socket: object, conversation: string, frame: WriteFrame): Promise<Verdict> | undefined {
    if (this.#existence === undefined) return undefined;
    const before = this.#held.get(socket)?.get(conversation);
    const opens = (frame.t === "send" && frame.to !== undefined) || frame.t === "create";
    // As deep a promise for each that waits: one more step, and who came later would be first.
    if (before !== undefined)
      return before.then((told) => {
        if (opens) return told;
        return this.#judge(frame);
      });
    const verdict = this.#judge(frame);
    if (verdict === undefined || !opens) return verdict;
    const held = this.#held.get(socket) ?? new Map<string, Promise<Verdict>>();
    this.#held.set(socket, held.set(conversation, verdict));
    void verdict.then(() => held.delete(conversation));
    return verdict;
  }

  #judge(frame: WriteFrame): Promise<Verdict> | undefined {
    return this.#existence?.missing(namedBy(frame))?.then(
      (missing) => (missing.length === 0 ? undefined : refusedBy(nobody(missing))),
      (error: unknown) => refusedBy(error),
    );
  }
}

function refusedBy(thrown: unknown): Refused {
  const { code, message, retryAfterMs } = asChatError(thrown);
  return { code, message, retryAfterMs };
}
