import { namedBy } from "@jichat/conversation/named.ts";
import type { Refused } from "@jichat/protocol/bus/command.ts";
import { asChatError } from "@jichat/protocol/errors.ts";
import type { WriteFrame } from "@jichat/conversation/client-frame.ts";
import type { Existence } from "@jichat/identity/existence.ts";
import { nobody } from "@jichat/identity/existence.ts";

/** The refusal of a frame, or undefined if it may go on. */
export type Verdict = Refused | undefined;

/**
 * Checks that the users named by frames exist, and keeps the order of each socket's frames: while a first
 * message or a new group waits for the answer, later writes of that socket to the same conversation wait
 * behind it.
 */
export class Admission {
  readonly #existence: Existence | undefined;
  readonly #held = new WeakMap<object, Map<string, Promise<Verdict>>>();

  /** Without `existence`, every frame is admitted. */
  constructor(existence: Existence | undefined) {
    this.#existence = existence;
  }

  /**
   * Undefined means that the frame may go on at once. Held frames of one conversation resolve in the order of
   * arrival.
   */
  of(socket: object, conversation: string, frame: WriteFrame): Promise<Verdict> | undefined {
    if (this.#existence === undefined) return undefined;
    const before = this.#held.get(socket)?.get(conversation);
    const opens = (frame.t === "send" && frame.to !== undefined) || frame.t === "create";
    // Each waiting frame needs a promise chain of the same depth. With one more step, a later frame would
    // resolve first.
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
