import { createHash } from "node:crypto";
import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";

const NO_MESSAGE = 10_037;
/** Bytes of an identity: eleven characters of base64url. */
const IDENTITY_BYTES = 8;
/**
 * How long an identity is trusted while the connection holds: a stream may be deleted and made again
 * meanwhile.
 */
const FRESH_MS = 10_000;
const RETRY_MS = 500;

/**
 * Computes the identity of a cluster's logs from two things. The first is the creation time of each
 * partition's stream: a stream that is made again changes it. The second is the settings' key `restored`,
 * which is written after a backup was restored: restored streams have their old creation times, but other
 * records at the same positions.
 */
export async function readIdentity(jsm: JetStreamManager, names: Names, partitions: number): Promise<string> {
  const [restored, ...created] = await Promise.all([
    readRestored(jsm, names),
    ...Array.from({ length: partitions }, async (_, partition) => {
      const info = await jsm.streams.info(names.logStream(partition));
      return info.created;
    }),
  ]);
  const hash = createHash("sha256")
    .update(JSON.stringify([restored, created]))
    .digest();
  return hash.subarray(0, IDENTITY_BYTES).toString("base64url");
}

async function readRestored(jsm: JetStreamManager, names: Names): Promise<string> {
  try {
    const message = await jsm.streams.getMessage(`KV_${names.settings}`, {
      last_by_subj: `$KV.${names.settings}.restored`,
    });
    return message === null ? "" : `${message.seq} ${message.string()}`;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return "";
    throw error;
  }
}

/**
 * The identity that was read last. It is read again every 10 s while it is in use, and by `refresh` after a
 * lost connection.
 */
export class LogIdentity {
  readonly #read: () => Promise<string>;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #onFault: (cause: unknown) => void;
  readonly #acts: (() => void)[] = [];
  #known: string;
  #readAt: number;
  #reading = false;
  #isWanted = false;

  constructor(
    first: string,
    read: () => Promise<string>,
    clock: Pick<Clock, "monotonic">,
    onFault: (cause: unknown) => void,
  ) {
    this.#known = first;
    this.#read = read;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#readAt = clock.monotonic();
  }

  /** Returns at once. A value that is too old is read again in the background. */
  current(): string {
    if (!this.#reading && this.#clock.monotonic() - this.#readAt >= FRESH_MS) void this.refresh();
    return this.#known;
  }

  onChange(act: () => void): void {
    this.#acts.push(act);
  }

  /** Reads the identity now. A read in progress may have seen the old value, so another one follows it. */
  async refresh(): Promise<void> {
    this.#isWanted = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#readOnce();
    }
    this.#reading = false;
  }

  async #readOnce(): Promise<void> {
    try {
      const read = await this.#read();
      this.#readAt = this.#clock.monotonic();
      if (read === this.#known) return;
      this.#known = read;
      for (const act of this.#acts) act();
    } catch (cause) {
      this.#readAt = this.#clock.monotonic() - FRESH_MS + RETRY_MS;
      this.#onFault(cause);
    }
  }
}
