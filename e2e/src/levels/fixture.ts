import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { StoredDatabase } from "./clickhouse-copy.ts";
import type { SecretTexts } from "./level-stack.ts";
import type { StoredStream } from "./nats-copy.ts";
import type { StoredRedis } from "./redis-copy.ts";
import type { Told } from "./told.ts";

/** An id that a device sent, with its seq. */
export interface Sent {
  readonly user: string;
  readonly conversation: string;
  readonly id: string;
  readonly seq: number;
  /** Where the event is stored: only in ClickHouse, in ClickHouse and the log, or only in the log. */
  readonly round: Round;
}
export const ROUNDS = ["trimmed", "stored", "logged"] as const;
export type Round = (typeof ROUNDS)[number];

/** A cluster as one version left it, and the answers that this version gave about it. */
export interface Level {
  readonly secrets: SecretTexts;
  readonly streams: readonly StoredStream[];
  readonly redis: StoredRedis;
  readonly database: StoredDatabase;
  /** Keyed by user. */
  readonly told: Readonly<Record<string, Told>>;
  readonly sent: readonly Sent[];
  /** The output of `verify` for each partition, for the range that is both in ClickHouse and in the log. */
  readonly verified: readonly Readonly<Record<string, unknown>>[];
  /**
   * For each partition, a conversation of ann and bob whose state is only in the snapshot, not in the log
   * after it.
   */
  readonly warm: readonly string[];
  /** A device of bob's that was offline during round `logged`. */
  readonly away: {
    readonly device: string;
    readonly ticket: string;
    readonly cursor: string;
    /** The list that a `sync` since that cursor returned at the end. */
    readonly missed: readonly unknown[];
  };
  readonly password: string;
  /**
   * Revoked tokens: of cyd, who signed out with the first, and of dan, who changed the password after the
   * second.
   */
  readonly voidTokens: readonly string[];
  /** A valid token of dan's, with the changed password. */
  readonly validToken: string;
}

/** The parts of a fixture, with one file each. */
const PARTS: Readonly<Record<string, readonly (keyof Level)[]>> = {
  nats: ["streams"],
  redis: ["redis"],
  clickhouse: ["database"],
  told: ["told", "sent", "verified", "warm"],
  devices: ["secrets", "away", "password", "voidTokens", "validToken"],
};

const fileOf = (level: string, part: string): string =>
  join(import.meta.dirname, "../../levels", level, `${part}.json.gz`);

export function readLevel(level: string): Level {
  const parts = Object.keys(PARTS).map(
    (part) => JSON.parse(gunzipSync(readFileSync(fileOf(level, part))).toString("utf8")) as Partial<Level>,
  );
  return Object.assign({}, ...parts) as Level;
}

/** Refuses to overwrite an existing fixture: it stands for the data in people's clusters. */
export function writeLevel(level: string, whole: Level): void {
  for (const [part, keys] of Object.entries(PARTS)) {
    const text = JSON.stringify(Object.fromEntries(keys.map((key) => [key, whole[key]])), undefined, 1);
    writeFileSync(fileOf(level, part), gzipSync(text, { level: 9 }), { flag: "wx" });
  }
}
