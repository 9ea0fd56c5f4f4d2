import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { LEASE_RENEW_MS, LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Logger } from "pino";
import { Bucket } from "@jichat/runtime/bucket.ts";
import type { BucketEntry } from "@jichat/runtime/bucket.ts";
import { HeardClock } from "./heard-clock.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { LeaseView } from "./share.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { isDraining, ownerText } from "@jichat/protocol/bus/kv-values.ts";
import { planShare } from "./share.ts";
import { SignsOfOwners } from "./signs-of-owners.ts";

export interface LeaseHolder {
  /** The lease is ours now. A lease proves nothing; the log does. */
  acquire(partition: number): void;
  /** Stops serving cleanly, so that `to` can take over. The lease moves when this resolves. */
  give(partition: number, to: string | undefined): Promise<void>;
  /** Another owner holds the lease now. */
  lose(partition: number): void;
}

export interface LeaseOptions {
  readonly role: "push" | "router" | "storage";
  readonly me: string;
  readonly partitions: number;
  /**
   * The newest level that this build knows. It is published, since the level is only raised once every owner
   * knows it (`olderOwners`).
   */
  readonly known: number;
}

/** How long an owner counts as alive because of a new lease alone, before its own key has arrived. */
const NEWCOMER_MS = 1_000;
/** Much shorter than a lease: a request that took as long as a lease would lose it. */
const TIMEOUT_MS = 1_000;
/**
 * The bound of silence. Our own renewals come back by the same watch as those of others: while ours are
 * missing, theirs may be missing too.
 */
const UNHEARD_MAX_MS = 1.5 * LEASE_RENEW_MS;

interface LeasesParts {
  readonly options: LeaseOptions;
  readonly names: Names;
  readonly bus: Bus;
  readonly owners: Bucket;
  readonly leases: Bucket;
  readonly holder: LeaseHolder;
  readonly log: Logger;
}

interface LeaseMember {
  readonly options: LeaseOptions;
  readonly holder: LeaseHolder;
  readonly log: Logger;
}

/**
 * Shares the partitions among the living owners of one role. It uses a bucket of owners, whose entries
 * expire, and a bucket of leases.
 */
export class Leases {
  readonly #options: LeaseOptions;
  readonly #owners: Bucket;
  readonly #leases: Bucket;
  readonly #holder: LeaseHolder;
  readonly #log: Logger;
  readonly #heard = new HeardClock(systemClock, UNHEARD_MAX_MS);
  /** `at` is the time of the last renewal, on `#heard`. */
  readonly #seen = new Map<string, { at: number; draining: boolean; revision: number }>();
  /** `since` is the time at which we heard of the lease, on the monotonic clock. */
  readonly #view = new Map<number, { owner: string; revision: number; since: number }>();
  #joined = false;
  readonly #signs: SignsOfOwners;
  readonly #mine = new Set<number>();
  readonly #giving = new Set<number>();
  readonly #stop = new AbortController();
  #draining = false;
  #renewedAt = 0;
  #isDue = false;
  #stopWaiting = (): void => {};

  private constructor({ options, names, bus, owners, leases, holder, log }: LeasesParts) {
    this.#options = options;
    this.#owners = owners;
    this.#leases = leases;
    this.#holder = holder;
    this.#log = log;
    this.#signs = new SignsOfOwners({
      bus,
      names,
      clock: systemClock,
      me: options.me,
      quietMs: LEASE_TTL_MS,
      living: () => this.#alive().keys(),
      strike: (id) => this.#strike(id),
    });
  }

  /**
   * Joins the owners of this role, and takes a share as soon as partitions are free. `provision` has made the
   * buckets.
   */
  static async join(
    nats: NatsConnection,
    names: Names,
    { options, holder, log }: LeaseMember,
  ): Promise<Leases> {
    const owners = await Bucket.open(nats, names.owners, TIMEOUT_MS);
    const leases = await Bucket.open(nats, names.leases, TIMEOUT_MS);
    const bus = new NatsBus(nats, log);
    const self = new Leases({ options, names, bus, owners, leases, holder, log });
    await self.#watch(owners, "the bucket of owners", (entry) => {
      self.#onOwner(entry);
    });
    await self.#watch(leases, "the bucket of leases", (entry) => {
      self.#onLease(entry);
    });
    self.#joined = true;
    void self.#run();
    void self.#signs.run(self.#stop.signal);
    return self;
  }

  get held(): ReadonlySet<number> {
    return this.#mine;
  }

  /**
   * Hands over all partitions, then leaves. Resolves when no partition is held any more. After `deadlineMs`
   * it stops waiting for successors.
   */
  async leave(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const end = performance.now() + deadlineMs;
    await this.#renew().catch((error: unknown) => {
      this.#log.warn({ err: error }, "the drain was not announced");
    });
    while (this.#mine.size > 0 && performance.now() < end && this.#others()) {
      this.#wake();
      await systemClock.sleep(20);
    }
    // In parallel: a partition that waits for its backend does not delay the others.
    await Promise.all([...this.#mine].map((partition) => this.#holder.give(partition, undefined)));
    this.#mine.clear();
    this.#stop.abort();
    await this.#owners.kv.delete(`${this.#options.role}.${this.#options.me}`).catch((error: unknown) => {
      this.#log.warn({ err: error }, "the key of the owner was not deleted: it expires by itself");
    });
  }

  #others(): boolean {
    return [...this.#alive()].some(([id, owner]) => id !== this.#options.me && !owner.draining);
  }

  #alive(): Map<string, { draining: boolean }> {
    const now = performance.now();
    const alive = new Map<string, { draining: boolean }>(
      [...this.#seen].filter(([, owner]) => owner.at >= this.#heard.now() - LEASE_TTL_MS),
    );
    // Owners and leases come by two watches. A new owner's first lease may arrive before the owner's own key,
    // and is not free.
    for (const { owner, since } of this.#view.values()) {
      if (owner !== "" && !alive.has(owner) && !this.#seen.has(owner) && now - since < NEWCOMER_MS)
        alive.set(owner, { draining: false });
    }
    return alive;
  }

  async #watch(bucket: Bucket, what: string, act: (entry: BucketEntry) => void): Promise<void> {
    await bucket.watch(
      `${this.#options.role}.*`,
      (entry) => {
        act(entry);
        this.#wake();
      },
      hearingOf(this.#log, what),
      this.#stop.signal,
    );
  }

  #onOwner(entry: BucketEntry): void {
    const id = entry.key.slice(this.#options.role.length + 1);
    const isMe = id === this.#options.me;
    if (isMe) this.#heard.heard();
    if (entry.operation === "PUT") {
      const draining = isDraining(entry.string());
      this.#seen.set(id, { at: this.#heard.now(), draining, revision: entry.revision });
      this.#signs.renewed(id);
      return;
    }
    this.#seen.delete(id);
    this.#signs.left(id);
    // Somebody took this owner for gone. It says at once that it is not, and gets a share again.
    if (isMe) this.#renewedAt = 0;
  }

  /**
   * Deletes the key of an owner that has no connection, so that all others see its partitions free. Nothing
   * happens if it has renewed its key since, or if another one was faster.
   */
  async #strike(id: string): Promise<void> {
    const previousSeq = this.#seen.get(id)?.revision;
    if (previousSeq === undefined) return;
    try {
      await this.#owners.kv.delete(`${this.#options.role}.${id}`, { previousSeq });
      this.#log.warn({ owner: id }, "an owner has no connection to NATS any more: its partitions are free");
    } catch (error) {
      this.#log.debug({ err: error, owner: id }, "the key of an owner was not deleted");
    }
  }

  #onLease(entry: BucketEntry): void {
    const partition = Number(entry.key.slice(this.#options.role.length + 1));
    const owner = entry.operation === "PUT" ? entry.string() : "";
    const known = this.#view.get(partition);
    if (known !== undefined && known.revision >= entry.revision) return;
    this.#view.set(partition, {
      owner,
      revision: entry.revision,
      since: this.#joined ? performance.now() : Number.NEGATIVE_INFINITY,
    });
    const { me } = this.#options;
    if (owner === me && !this.#mine.has(partition) && !this.#draining) this.#acquire(partition);
    if (owner !== me && this.#mine.delete(partition) && !this.#giving.has(partition))
      this.#holder.lose(partition);
  }

  #acquire(partition: number): void {
    this.#mine.add(partition);
    this.#holder.acquire(partition);
  }

  async #renew(): Promise<void> {
    await this.#owners.kv.put(
      `${this.#options.role}.${this.#options.me}`,
      ownerText(this.#options.known, this.#draining),
    );
    this.#renewedAt = performance.now();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        // The answer arrives after all watch updates that were pending, so our view is never older than this.
        if (performance.now() - this.#renewedAt >= LEASE_RENEW_MS) await this.#renew();
        await this.#share();
      } catch (error) {
        this.#log.warn({ err: error }, "NATS did not answer about the leases: trying again");
        await systemClock.sleep(250);
      }
      if (!this.#isDue) await this.#rest();
      this.#isDue = false;
    }
  }

  /** Resolves when something has changed, or when it is time to look anyway. */
  async #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopWaiting = resolve;
    const timer = setTimeout(resolve, LEASE_RENEW_MS / 3);
    await promise;
    clearTimeout(timer);
  }

  /** Shares again now, or right after the sharing that is under way, whose view may be older. */
  #wake(): void {
    this.#isDue = true;
    this.#stopWaiting();
  }

  async #share(): Promise<void> {
    if (performance.now() - this.#renewedAt > LEASE_TTL_MS / 2) return;
    const { me, partitions } = this.#options;
    const view: LeaseView = {
      owners: this.#alive(),
      leases: new Map([...this.#view].map(([p, { owner }]) => [p, owner])),
    };
    const plan = planShare(me, view, partitions);
    await Promise.all(plan.claim.map((partition) => this.#claim(partition)));
    for (const { partition, to } of plan.give)
      if (this.#mine.has(partition) && !this.#giving.has(partition)) void this.#give(partition, to);
  }

  async #claim(partition: number): Promise<void> {
    const key = `${this.#options.role}.${partition}`;
    const known = this.#view.get(partition);
    try {
      const revision =
        known === undefined
          ? await this.#leases.kv.create(key, this.#options.me)
          : await this.#leases.kv.update(key, this.#options.me, known.revision);
      // The watch may have been faster and may have reported a later change: then another owner holds the
      // lease already.
      if ((this.#view.get(partition)?.revision ?? 0) >= revision) return;
      this.#view.set(partition, { owner: this.#options.me, revision, since: performance.now() });
      this.#acquire(partition);
    } catch (error) {
      // Another owner was faster, or NATS does not answer. The watch or the next round shows which.
      this.#log.debug({ err: error, partition }, "the lease was not claimed");
    }
  }

  async #give(partition: number, to: string): Promise<void> {
    this.#giving.add(partition);
    try {
      await this.#holder.give(partition, to);
      const known = this.#view.get(partition);
      if (known?.owner !== this.#options.me) return;
      const revision = await this.#leases.kv.update(`${this.#options.role}.${partition}`, to, known.revision);
      if ((this.#view.get(partition)?.revision ?? 0) < revision)
        this.#view.set(partition, { owner: to, revision, since: performance.now() });
    } catch (error) {
      this.#log.warn(
        { err: error, partition, to },
        "the hand-over failed: the lease stays, and its partition is served again",
      );
      if (this.#mine.has(partition)) this.#holder.acquire(partition);
      return;
    } finally {
      this.#giving.delete(partition);
    }
    this.#mine.delete(partition);
  }
}
