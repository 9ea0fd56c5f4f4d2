import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Owner } from "./owner.ts";

type Told = Pick<Owner, "state" | "appendSince" | "stuckMs">;

/**
 * Why a router is not ready: partitions that are being read, or appends that have waited longer than a lease.
 * `undefined` if it is ready. `now` is monotonic.
 */
export function waitingFor(owners: ReadonlyMap<number, Told>, now: number): string | undefined {
  const replaying = [...owners].flatMap(([partition, { state }]) =>
    state === "replaying" ? [partition] : [],
  );
  const appending = [...owners].flatMap(([partition, { appendSince = now }]) =>
    now - appendSince < LEASE_TTL_MS
      ? []
      : [`partition ${partition} has waited ${Math.floor((now - appendSince) / 1_000)} s for an append`],
  );
  const read = replaying.length === 0 ? [] : [`replaying partitions ${replaying.join(", ")}`];
  const told = [...read, ...appending];
  return told.length === 0 ? undefined : told.join("; ");
}

/**
 * Partitions whose loop makes no progress, though requests wait and no backend does; `undefined` if there are
 * none.
 */
export function standstill(owners: ReadonlyMap<number, Told>): string | undefined {
  const stuck = [...owners].flatMap(([partition, { stuckMs }]) =>
    stuckMs > LEASE_TTL_MS ? [partition] : [],
  );
  return stuck.length === 0
    ? undefined
    : `no progress in partitions ${stuck.join(", ")}, though requests wait`;
}
