import { hash } from "node:crypto";
import type {
  PushOwner,
  PushOwners,
  PushRegistration,
  PushTarget,
} from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_DEVICES_MAX, pushOwnersText, readPushOwners } from "@jichat/protocol/bus/push-registration.ts";
import type { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";

/** What is needed of the bucket. */
export interface DevicesBucket extends Pick<Bucket, "erase" | "keys"> {
  readonly kv: Pick<Bucket["kv"], "create" | "delete" | "get" | "update">;
}

/** Present and earlier owners of a target that are remembered. */
const OWNERS_MAX = 8;

/** The name of a target: two registrations with the same one reach the same device. */
export const nameOfTarget = (target: PushTarget): string =>
  hash("sha256", `${target.kind} ${target.kind === "webpush" ? target.endpoint : target.token}`);

const isSame = (a: PushOwner, b: PushOwner): boolean => a.user === b.user && a.device === b.device;

/**
 * `devices` with this one, which takes the place of its earlier registration, and of another device that has
 * its target. Of more than `PUSH_DEVICES_MAX` the oldest go.
 */
export function withRegistration(
  devices: readonly PushRegistration[],
  registration: PushRegistration,
): readonly PushRegistration[] {
  const name = nameOfTarget(registration.target);
  const others = devices
    .filter(({ device, target }) => device !== registration.device && nameOfTarget(target) !== name)
    .sort((a, b) => a.registeredAt - b.registeredAt);
  return [...others.slice(Math.max(0, others.length + 1 - PUSH_DEVICES_MAX)), registration];
}

/**
 * To whom targets belong: keys `t.<name of the target>` of the bucket of push registrations. An entry
 * remembers the latest earlier owners too, so that a move that a crash cut short is finished by the next one.
 */
export class PushTargets {
  readonly #bucket: DevicesBucket;

  constructor(bucket: DevicesBucket) {
    this.#bucket = bucket;
  }

  /**
   * Makes `owner` the owner of the target. Returns the earlier ones, and the revision of this claim. It always
   * writes, so that what releases an earlier claim has no effect.
   */
  async claim(
    target: string,
    owner: PushOwner,
  ): Promise<{ readonly earlier: readonly PushOwner[]; readonly revision: number }> {
    for (;;) {
      const known = await this.#get(target);
      const earlier = (known?.owners ?? []).filter((one) => !isSame(one, owner)).slice(0, OWNERS_MAX - 1);
      const text = pushOwnersText([owner, ...earlier]);
      try {
        const revision = await (known === undefined
          ? this.#bucket.kv.create(keyOf(target), text)
          : this.#bucket.kv.update(keyOf(target), text, known.revision));
        return { earlier, revision };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  async isOf(target: string, owner: PushOwner): Promise<boolean> {
    const known = await this.#get(target);
    return known !== undefined && isSame(known.owners[0], owner);
  }

  /**
   * Forgets the target unless it was claimed since the claim of this revision. `forget` is told the earlier
   * owners before that.
   */
  async release(
    target: string,
    revision: number,
    forget: (earlier: readonly PushOwner[]) => Promise<void>,
  ): Promise<void> {
    const known = await this.#get(target);
    if (known?.revision !== revision) return;
    await forget(known.owners.slice(1));
    await this.#bucket.erase(revision);
  }

  async #get(
    target: string,
  ): Promise<{ readonly owners: PushOwners["owners"]; readonly revision: number } | undefined> {
    const entry = await this.#bucket.kv.get(keyOf(target));
    return entry === null || entry.operation !== "PUT"
      ? undefined
      : { owners: readPushOwners(entry.string()), revision: entry.revision };
  }
}

const keyOf = (target: string): string => `t.${target}`;
