/**
 * Size and durability of a cluster's logs, from its spec. NATS's `sync_interval: always` is set on the
 * server.
 */
export interface LogSettings {
  readonly partitions: number;
  readonly replicas: 1 | 3;
  /** Most bytes of one partition's stream. From 90 % on, appends from clients are answered with BUSY. */
  readonly logBytesMax: number;
}

export const LOG_FULL_RATIO = 0.9;
export const LEASE_TTL_MS = 4_000;
/** A router renews its leases this often: three attempts within a lease. */
export const LEASE_RENEW_MS = 1_200;
export const CONNECTOR_TTL_MS = 5_000;
export const CONNECTOR_RENEW_MS = 1_200;
export const PUSH_AGE_MS = 24 * 3_600_000;
/** Longer than the life of any token that we accept. */
export const REVOCATION_TTL_MS = 31 * 24 * 3_600_000;
