import { kindOf } from "@jichat/conversation/tables.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Violation } from "../ledger-checks.ts";
import type { Time } from "./world.ts";
import { ClusterDice } from "./world.ts";

/** The router that writes. */
interface PushSender {
  readonly time: Pick<Time, "sleep">;
  readonly alive: () => Promise<void>;
}

/**
 * The push queue: who was named for which message. A message may get lost on its way, and so may the answer.
 * It has dice of its own, so that what happens elsewhere does not depend on it.
 */
export class PushModel {
  readonly #dice: ClusterDice;
  readonly #named = new Map<string, Set<string>>();
  readonly #violations: Violation[] = [];

  constructor(seed: number) {
    this.#dice = new ClusterDice(seed);
  }

  async take({ time, alive }: PushSender, bytes: Uint8Array): Promise<void> {
    await alive();
    await time.sleep(this.#dice.between(0.2, 4));
    if (this.#dice.mishap(0.02)) throw new Error("lost on its way to the push queue");
    this.#store(bytes);
    if (this.#dice.mishap(0.02)) throw new Error("the push queue does not answer");
    await time.sleep(this.#dice.between(0.2, 4));
    await alive();
  }

  /** From now on nothing is lost. */
  calm(): void {
    this.#dice.calm = true;
  }

  #store(bytes: Uint8Array): void {
    for (const entry of decodePushEntries(bytes)) {
      if (entry.is !== "message") continue;
      const { conversation, seq, from, to } = entry;
      const key = `${conversation} ${seq}`;
      const named = this.#named.get(key) ?? new Set<string>();
      this.#named.set(key, named);
      for (const user of to) named.add(user);
      if (named.has(from)) this.#violations.push(violation(`${key} is pushed to ${from}, who wrote it`));
    }
  }

  /**
   * Each message of the log has reached the queue for every member who receives pushes, but its author. Who
   * has left meanwhile need not be told.
   */
  check(batches: readonly Batch[], pushed: ReadonlySet<string>): readonly Violation[] {
    const violations = [...this.#violations];
    const members = new Map<string, Set<string>>();
    const gone = new Set<string>();
    for (const { records } of batches)
      for (const record of records)
        if (record.r === "event" && record.kind === "left")
          for (const user of record.users ?? []) gone.add(`${record.conversation} ${user}`);
    for (const { records } of batches)
      for (const record of records) {
        if (record.r !== "event") continue;
        const { conversation, seq, kind, from, users = [] } = record;
        const present = members.get(conversation) ?? new Set<string>();
        members.set(conversation, present);
        if (kind === "created" || kind === "joined") for (const user of users) present.add(user);
        if (kind === "left") for (const user of users) present.delete(user);
        if (kindOf(kind)?.isMessage !== true) continue;
        const named = this.#named.get(`${conversation} ${seq}`);
        for (const user of present)
          if (
            user !== from &&
            pushed.has(user) &&
            named?.has(user) !== true &&
            !gone.has(`${conversation} ${user}`)
          )
            violations.push(violation(`${conversation} ${seq} is not in the push queue for ${user}`));
      }
    return violations;
  }
}

const violation = (what: string): Violation => ({ invariant: "push", what });
