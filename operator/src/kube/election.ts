import type { Clock } from "@jichat/protocol/clock.ts";
import type { Logger } from "pino";
import type { KubeApi } from "./api.ts";
import { isConflict, isNotFound } from "./errors.ts";
import type { KubeObject } from "./object.ts";
import { RESOURCES } from "./object.ts";

export interface ElectionOptions {
  readonly api: Pick<KubeApi, "get" | "create" | "replace">;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process: a restarted pod is a new candidate. */
  readonly me: string;
  readonly log: Logger;
}

interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string | undefined;
    readonly leaseDurationSeconds?: number | undefined;
    readonly acquireTime?: string | undefined;
    readonly renewTime?: string | undefined;
    readonly leaseTransitions?: number | undefined;
  };
}

/** The times are those of client-go: a leader that cannot renew steps down before another may take over. */
const LEASE_SECONDS = 15;
const RENEW_WITHIN_MS = 10_000;
const RETRY_MS = 2_500;

/**
 * Leader election by a Lease. Candidates measure its age by their own clocks from the change that they saw,
 * so clocks of machines need not agree.
 */
export class Election {
  readonly #options: ElectionOptions;
  #seen: { readonly version: string; readonly at: number } | undefined;
  /** The Lease as this process last wrote it. The leader renews it without reading it first. */
  #mine: Lease | undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Resolves once this process leads; rejects when the signal aborts. */
  async win(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!(await this.#try().catch((error: unknown) => this.#failed(error))))
      await clock.sleep(RETRY_MS, signal);
    log.info("leads");
  }

  /**
   * Renews the Lease until the signal aborts. Resolves early if the Lease is lost: after that, nothing may be
   * written.
   */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let renewedAt = clock.monotonic();
    while (!signal.aborted) {
      await clock.sleep(RETRY_MS, signal).catch(() => undefined); // Aborted: the loop ends.
      if (signal.aborted) return;
      const before = clock.monotonic();
      if (await this.#try().catch((error: unknown) => this.#failed(error))) renewedAt = before;
      else if (clock.monotonic() - renewedAt >= RENEW_WITHIN_MS || (await this.#isTaken())) {
        log.error("the lease is lost");
        return;
      }
    }
  }

  /** Releases the Lease at once, so that a successor need not wait. */
  async release(): Promise<void> {
    const { api, namespace, name, me } = this.#options;
    const lease = await api.get<Lease>(RESOURCES.leases, namespace, name);
    if (lease.spec.holderIdentity !== me) return;
    await api.replace(RESOURCES.leases, {
      ...lease,
      spec: { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 },
    } as Lease);
  }

  #failed(error: unknown): false {
    if (!isConflict(error)) this.#options.log.warn({ err: error }, "the lease could not be read or written");
    return false;
  }

  async #isTaken(): Promise<boolean> {
    const { api, namespace, name, me } = this.#options;
    try {
      const { spec } = await api.get<Lease>(RESOURCES.leases, namespace, name);
      return spec.holderIdentity !== me;
    } catch {
      return false; // The result is unknown: the deadline decides.
    }
  }

  /** Returns whether this process holds the Lease now. */
  async #try(): Promise<boolean> {
    const { api, clock, me } = this.#options;
    const now = `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`; // MicroTime.
    const lease = this.#mine ?? (await this.#read(now));
    if (lease === undefined) return true;
    const {
      holderIdentity = "",
      leaseDurationSeconds = LEASE_SECONDS,
      acquireTime,
      leaseTransitions = 0,
    } = lease.spec;
    const version = lease.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, at: clock.monotonic() };
    const isMine = holderIdentity === me;
    const isFree = holderIdentity === "" || clock.monotonic() - this.#seen.at >= leaseDurationSeconds * 1_000;
    if (!isMine && !isFree) return false;
    this.#mine = undefined;
    this.#mine = await api.replace<Lease>(RESOURCES.leases, {
      ...lease,
      spec: {
        holderIdentity: me,
        leaseDurationSeconds: LEASE_SECONDS,
        acquireTime: isMine ? acquireTime : now,
        renewTime: now,
        leaseTransitions: isMine ? leaseTransitions : leaseTransitions + 1,
      },
    } as Lease); // With the resourceVersion that was read: if two try, one is refused.
    return true;
  }
  /** The present Lease; undefined if there was none and this process has created it. */
  async #read(now: string): Promise<Lease | undefined> {
    const { api, namespace, name, me } = this.#options;
    try {
      return await api.get<Lease>(RESOURCES.leases, namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#mine = await api.create<Lease>(RESOURCES.leases, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace },
        spec: {
          holderIdentity: me,
          leaseDurationSeconds: LEASE_SECONDS,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: 0,
        },
      } as Lease);
      return undefined;
    }
  }
}
