import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { StoredDatabase } from "./clickhouse-copy.ts";
import type { SecretTexts } from "./level-stack.ts";
import type { StoredStream } from "./nats-copy.ts";
import type { StoredRedis } from "./redis-copy.ts";
import type { Told } from "./told.ts";

/** An id that a device sent, and the seq that it got. */
export interface Sent {
  readonly user: string;
  readonly conversation: string;
  readonly id: string;
  readonly seq: number;
  /** Where the event stands: only in ClickHouse, in ClickHouse and the log, or only in the log. */
  readonly round: Round;
}
export const ROUNDS = ["trimmed", "stored", "logged"] as const;
export type Round = (typeof ROUNDS)[number];

/** A cluster as one version left it, and what that version told of it. */
export interface Level {
  readonly secrets: SecretTexts;
  readonly streams: readonly StoredStream[];
  readonly redis: StoredRedis;
  readonly database: StoredDatabase;
  /** By user. */
  readonly told: Readonly<Record<string, Told>>;
  readonly sent: readonly Sent[];
  /** What `verify` said of each partition, for the range that stands in ClickHouse and in the log. */
  readonly verified: readonly Readonly<Record<string, unknown>>[];
  /** By partition: a conversation of ann and bob whose state is in the snapshot and not behind it. */
  readonly warm: readonly string[];
  /** A device of bob's that was away while round `logged` went on. */
  readonly away: {
    readonly device: string;
    readonly ticket: string;
    readonly cursor: string;
    /** What a `sync` since that cursor listed in the end. */
    readonly missed: readonly unknown[];
  };
  readonly password: string;
  /** Of cyd, who signed out with the first, and of dan, who changed the password after the second. */
  readonly voidTokens: readonly string[];
  /** Of dan: a token of the changed password, which is valid. */
  readonly validToken: string;
}

/** Parts of a fixture: a file for each. */
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

/** Refuses to write over a fixture that is there: what stands in it is what people's clusters hold. */
export function writeLevel(level: string, whole: Level): void {
  for (const [part, keys] of Object.entries(PARTS)) {
    const text = JSON.stringify(Object.fromEntries(keys.map((key) => [key, whole[key]])), undefined, 1);
    writeFileSync(fileOf(level, part), gzipSync(text, { level: 9 }), { flag: "wx" });
  }
}
