import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { PushOwner, PushRegistration, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import { pushRegistrationsText, readPushRegistrations } from "@jichat/protocol/bus/push-registration.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import type { DevicesBucket } from "./push-targets.ts";
import { PushTargets, nameOfTarget, withRegistration } from "./push-targets.ts";

type Devices = readonly PushRegistration[];

/**
 * The devices that receive pushes, in KV: keys `u.<user>` have all devices of a user, keys `t.<target>` say
 * to whom a target belongs. Every change of a key is a compare-and-set, and every read comes from the leader.
 *
 * No step is undone after a crash, since what each one leaves is harmless, and mended by the next:
 * - `put`, behind the claim: the target belongs to a device whose registration lacks it, and the earlier
 *   owner may still have it. The caller has no answer, and its next `put` goes on from here.
 * - `put`, behind the earlier owner: nobody has the target, which has left the earlier account in any case.
 * - `put`, behind the registration, while another account claims the target: both have it, until the next
 *   `put` of the target, which finds both among its owners.
 * - behind the removal of a registration: a target that belongs to a device that does not have it. Nobody
 *   reads that but the next `put` of the target.
 */
export class PushDevices {
  readonly #bucket: DevicesBucket;
  readonly #targets: PushTargets;

  constructor(bucket: DevicesBucket) {
    this.#bucket = bucket;
    this.#targets = new PushTargets(bucket);
  }

  static async open(nats: NatsConnection, names: Names): Promise<PushDevices> {
    return new PushDevices(await Bucket.open(nats, names.pushDevices));
  }

  /** The user's registrations, at most `PUSH_DEVICES_MAX`. Throws UNAVAILABLE, as all methods do. */
  async of(user: string): Promise<Devices> {
    return reach(async () => (await this.#get(user)).devices);
  }

  /** All users who have a registration, in the order of the bucket. */
  async *users(): AsyncGenerator<string> {
    for await (const key of this.#bucket.keys("u.*")) yield key.slice(2);
  }

  /**
   * Registers a device. It takes the place of the device's earlier registration in one write, so there is no
   * moment without one. A target that belongs to another device or user moves here. The oldest registration
   * goes if there are too many. Throws CONFLICT if another device or account registers its target at the same
   * time.
   */
  async put(user: string, registration: PushRegistration): Promise<void> {
    await reach(async () => this.#put(user, registration));
  }

  /** Removes a device's registration. Returns whether there was one. */
  async remove(user: string, device: string): Promise<boolean> {
    return this.removeWhere(user, (one) => one.device === device);
  }

  /**
   * For a provider's answer that the target exists no more: removes the registration unless the device has
   * another target by now.
   */
  async removeIfStill(user: string, device: string, target: PushTarget): Promise<boolean> {
    const name = nameOfTarget(target);
    return this.removeWhere(user, (one) => one.device === device && nameOfTarget(one.target) === name);
  }

  async removeAll(user: string): Promise<boolean> {
    return this.removeWhere(user, () => true);
  }

  /** Removes the registrations that `isOver` holds for. Returns whether there were any. */
  async removeWhere(user: string, isOver: (one: PushRegistration) => boolean): Promise<boolean> {
    return reach(async () => {
      const gone = await this.#change(user, (devices) => devices.filter((one) => !isOver(one)));
      await this.#releaseAll(user, gone);
      return gone.length > 0;
    });
  }

  /** Registrations that `isMoved` holds for end with another token from now on. */
  async moveToToken(
    user: string,
    isMoved: (one: PushRegistration) => boolean,
    tokenId: string,
  ): Promise<void> {
    await reach(async () =>
      this.#change(user, (devices) =>
        devices.map((one) => (isMoved(one) && one.tokenId !== tokenId ? { ...one, tokenId } : one)),
      ),
    );
  }

  async #put(user: string, registration: PushRegistration): Promise<void> {
    const { device, target } = registration;
    const name = nameOfTarget(target);
    const owner = { user, device };
    const { earlier, revision } = await this.#targets.claim(name, owner);
    await this.#forget(name, user, earlier);
    const claimed = { ...registration, claim: revision };
    const replaced = await this.#change(user, (devices) => withRegistration(devices, claimed));
    // Whoever claims the target from here on finds the registration, and removes it.
    const isOwn = await this.#targets.isOf(name, owner);
    if (!isOwn) await this.#drop(name, owner);
    await this.#releaseAll(user, replaced);
    if (!isOwn)
      throw new ChatError("CONFLICT", "another request registered or removed this device at the same time");
  }

  /** Registrations that are gone: their targets belong to nobody, unless they were claimed again. */
  async #releaseAll(user: string, gone: Devices): Promise<void> {
    for (const { target, claim = 0 } of gone) {
      const name = nameOfTarget(target);
      await this.#targets.release(name, claim, async (earlier) => this.#forget(name, user, earlier));
    }
  }

  /** Takes the target from its earlier owners. Those of the new owner's account go with its own write. */
  async #forget(target: string, user: string, earlier: readonly PushOwner[]): Promise<void> {
    for (const owner of earlier) if (owner.user !== user) await this.#drop(target, owner);
  }

  async #drop(target: string, { user, device }: PushOwner): Promise<void> {
    await this.#change(user, (devices) => devices.filter((one) => !isOf(one, device, target)));
  }

  /** Changes a user's registrations by compare-and-set. Returns those that are not there any more. */
  async #change(user: string, change: (devices: Devices) => Devices): Promise<Devices> {
    const key = keyOf(user);
    for (;;) {
      const { devices, revision } = await this.#get(user);
      const next = change(devices);
      if (next.length === devices.length && next.every((one, at) => one === devices[at])) return [];
      const stay = new Set(next.map(({ device, target }) => `${device} ${nameOfTarget(target)}`));
      const gone = devices.filter(({ device, target }) => !stay.has(`${device} ${nameOfTarget(target)}`));
      try {
        if (next.length === 0) await this.#bucket.kv.delete(key, { previousSeq: revision });
        else if (revision === 0) await this.#bucket.kv.create(key, pushRegistrationsText(next));
        else await this.#bucket.kv.update(key, pushRegistrationsText(next), revision);
        return gone;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /** `revision` is 0 if the key was never written. */
  async #get(user: string): Promise<{ readonly devices: Devices; readonly revision: number }> {
    const entry = await this.#bucket.kv.get(keyOf(user));
    if (entry === null) return { devices: [], revision: 0 };
    const devices = entry.operation === "PUT" ? readPushRegistrations(entry.string()) : [];
    return { devices, revision: entry.revision };
  }
}

const keyOf = (user: string): string => `u.${user}`;

const isOf = (one: PushRegistration, device: string, target: string): boolean =>
  one.device === device && nameOfTarget(one.target) === target;

async function reach<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof ChatError) throw cause;
    throw new ChatError("UNAVAILABLE", "the registrations for push are not reachable", {
      cause,
      retryAfterMs: 1_000,
    });
  }
}
