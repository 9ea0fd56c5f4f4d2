import type { WriteFrame } from "@jichat/conversation/client-frame.ts";
import { commandOf } from "@jichat/conversation/command.ts";
import type { Edge } from "@jichat/edge/edge.ts";
import type { Accounts } from "@jichat/identity/accounts.ts";
import type { BegunDeletion, Deletions } from "@jichat/identity/deletions.ts";
import type { PushDevices } from "@jichat/identity/push-devices.ts";
import type { People } from "@jichat/identity/people.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { nextRevision } from "./credentials.ts";
import type { NameIndex } from "./name-index.ts";
import type { Passwords } from "./passwords.ts";
import type { UserIndex } from "./user-index.ts";

const SWEEP_MS = 20_000;
/**
 * A note of this age whose account is not deleted belongs to a request that ended before the deletion. No
 * request takes as long.
 */
const ABANDONED_MS = 300_000;
/** Groups that are left at once. */
const LEAVING_AT_ONCE = 16;
const SESSION = "account-deletion";

export interface DeletionParts {
  readonly clock: Pick<Clock, "now">;
  readonly accounts: Pick<Accounts, "get" | "update">;
  readonly passwords: Passwords;
  readonly deletions: Pick<Deletions, "begin" | "begun" | "close">;
  readonly people: Pick<People, "remove">;
  readonly index: Pick<UserIndex, "remove">;
  readonly nameIndex: Pick<NameIndex, "remove">;
  readonly revocations: Pick<Revocations, "readLeastOf" | "revokeUser">;
  readonly pushDevices: Pick<PushDevices, "removeAll">;
  readonly syncs: Pick<Edge["syncs"], "page">;
  readonly lanes: Pick<Edge["lanes"], "require">;
  readonly telemetry: Pick<Telemetry, "log">;
}

/**
 * Deletes accounts (ADR 0032). The account's entry becomes a tombstone, by compare-and-set: that is the
 * deletion. A note is written before it, and each later step may be repeated, so whatever stops in between is
 * finished by the same user, who asks again, or by any api that finds the note.
 */
export class AccountDeletion {
  readonly #parts: DeletionParts;
  readonly #ids: IdMaker;
  #wake = Promise.withResolvers<void>();

  constructor(parts: DeletionParts) {
    this.#parts = parts;
    this.#ids = new IdMaker(() => parts.clock.now());
  }

  /**
   * Deletes the account, and ends all access to it before it resolves. Its groups are left soon after. Throws
   * FORBIDDEN if the password is wrong or another system keeps it, CONFLICT if the password changes
   * meanwhile.
   */
  async delete(user: string, password: string): Promise<void> {
    const { accounts, passwords, deletions, revocations, nameIndex, telemetry, clock } = this.#parts;
    const found = await accounts.get(user);
    // An earlier try came this far: its password is gone, and all that is left to do is the rest.
    if (found?.account.deletedAt === undefined) {
      const stored = found?.account.password;
      if (found !== undefined && stored === undefined)
        throw new ChatError("FORBIDDEN", "this account has no password here: delete it where it belongs to");
      if (!(await passwords.matches(password, stored)))
        throw new ChatError("FORBIDDEN", "`password` is not the password");
      const now = clock.now();
      const before = found?.account.credentialRevision ?? 0;
      const credentialRevision = nextRevision(before, await revocations.readLeastOf(user), now);
      await deletions.begin(user);
      await accounts.update(user, (account) => {
        if (account.password !== stored || (account.credentialRevision ?? 0) !== before)
          throw new ChatError("CONFLICT", "the password or the sessions were changed meanwhile");
        return { v: 1, createdAt: account.createdAt, credentialRevision, deletedAt: now };
      });
      // Only now is the name known. If this fails, the search filters the entry until the index is rebuilt.
      await nameIndex.remove(user, found?.account.name ?? "").catch((error: unknown) => {
        telemetry.log.debug({ err: error }, "the name of a deleted user is still in the search index");
      });
    }
    await this.#endAccess(user);
    this.#wake.resolve();
  }

  /** Finishes deletions until the signal aborts: at the start, after each `delete`, and every `SWEEP_MS`. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts.telemetry;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        for await (const begun of this.#parts.deletions.begun()) {
          if (signal.aborted) return;
          await this.#finish(begun).catch((error: unknown) => {
            log.warn({ err: error }, "the deletion of an account is not finished: trying again");
          });
        }
      } catch (error) {
        log.warn({ err: error }, "unfinished deletions of accounts cannot be read: trying again");
      }
      const waited = new AbortController();
      await Promise.race([this.#wake.promise, pause(SWEEP_MS, AbortSignal.any([signal, waited.signal]))]);
      waited.abort();
    }
  }

  async #finish(begun: BegunDeletion): Promise<void> {
    const { accounts, deletions } = this.#parts;
    const found = await accounts.get(begun.user);
    if (found?.account.deletedAt === undefined) {
      // The request that wrote the note may still be on its way to the account.
      if (this.#parts.clock.now() - begun.begunAt > ABANDONED_MS) await deletions.close(begun);
      return;
    }
    await this.#endAccess(begun.user);
    // A member may have invited the user before all edges knew of the deletion: the next sweep looks again.
    if ((await this.#leaveGroups(begun.user)) === 0) await deletions.close(begun);
  }

  /**
   * The name leaves those who exist before tokens are revoked: edges ask anew when they hear of the
   * revocation.
   */
  async #endAccess(user: string): Promise<void> {
    const { accounts, people, index, revocations, pushDevices, telemetry } = this.#parts;
    const revision = (await accounts.get(user))?.account.credentialRevision;
    if (revision === undefined) throw new Error("a deleted account has the revision that ends its tokens");
    await people.remove(user).catch((cause: unknown) => {
      throw new ChatError("UNAVAILABLE", "who exists cannot be written down just now", { cause });
    });
    await index.remove(user).catch((error: unknown) => {
      telemetry.log.debug({ err: error }, "a deleted user is still in the search index, which is filtered");
    });
    await revocations.revokeUser(user, revision);
    await pushDevices.removeAll(user); // No valid token can register another device now.
  }

  /** Leaves every group that the user's list shows. Returns how many there were. */
  async #leaveGroups(user: string): Promise<number> {
    const groups = await this.#groupsOf(user);
    for (let at = 0; at < groups.length; at += LEAVING_AT_ONCE)
      await Promise.all(groups.slice(at, at + LEAVING_AT_ONCE).map((group) => this.#leave(user, group)));
    return groups.length;
  }

  async #groupsOf(user: string): Promise<readonly string[]> {
    const groups: string[] = [];
    for (let page: string | undefined, more = true; more;) {
      const listed = await this.#parts.syncs.page(user, { limit: limits.SYNC_LIMIT_MAX, page });
      for (const one of listed.conversations)
        if ("kind" in one && one.kind === "group") groups.push(one.conversation);
      page = listed.next;
      more = page !== undefined;
    }
    return groups;
  }

  async #leave(user: string, conversation: string): Promise<void> {
    const frame: WriteFrame = { t: "leave", id: this.#ids.next(), conversation };
    const source = { conversation, user, device: "api", session: SESSION };
    try {
      await this.#parts.lanes.require(commandOf(frame, source));
    } catch (error) {
      // Removed meanwhile, by somebody else or by another api that finishes the same deletion.
      if (!(error instanceof ChatError) || error.code !== "NOT_FOUND") throw error;
    }
  }
}

const pause = async (ms: number, signal: AbortSignal): Promise<void> =>
  systemClock.sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
