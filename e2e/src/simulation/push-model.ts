import { kindOf } from "@jichat/conversation/tables.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Violation } from "../ledger-checks.ts";

/** The push queue: who was named for which message. It stores an entry once, and may answer too late. */
export class PushModel {
  readonly #named = new Map<string, Set<string>>();
  readonly #violations: Violation[] = [];

  store(bytes: Uint8Array): void {
    for (const entry of decodePushEntries(bytes)) {
      if (entry.is !== "message") continue;
      const { conversation, seq, from, to } = entry;
      const key = `${conversation} ${seq}`;
      const named = this.#named.get(key) ?? new Set<string>();
      this.#named.set(key, named);
      for (const user of to) named.add(user);
      if (named.has(from)) this.#violate(`${key} is pushed to ${from}, who wrote it`);
    }
  }

  /**
   * Each message of the log has reached the queue for every member who receives pushes, but its author. Who
   * has left meanwhile need not be told.
   */
  check(batches: readonly Batch[], pushed: ReadonlySet<string>): readonly Violation[] {
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
            this.#violate(`${conversation} ${seq} is not in the push queue for ${user}`);
      }
    return this.#violations;
  }

  #violate(what: string): void {
    this.#violations.push({ invariant: "push", what });
  }
}
