/**
 * Durability of a cluster's logs: part of its spec. `always` is NATS's `sync_interval: always`, set on the
 * server.
 */
export interface LogSettings {
  readonly partitions: number;
  readonly replicas: 1 | 3;
  /** Bytes of one partition's stream; from 90 % of it appends from clients answer BUSY. */
  readonly logBytesMax: number;
}

export const LOG_FULL_RATIO = 0.9;
export const LEASE_TTL_MS = 4_000;
/** A router renews this often: three chances within a lease. */
export const LEASE_RENEW_MS = 1_200;
export const CONNECTOR_TTL_MS = 5_000;
export const CONNECTOR_RENEW_MS = 1_200;
export const PUSH_AGE_MS = 24 * 3_600_000;
/** Longer than any token that we accept. */
export const REVOCATION_TTL_MS = 31 * 24 * 3_600_000;
