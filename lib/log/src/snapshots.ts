import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { createGzip, gunzip } from "node:zlib";
import { Objm } from "@nats-io/obj";
import type { ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { readSnapshot, snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import { readAll } from "@jichat/runtime/read-all.ts";

/** A snapshot comes in chunks from a consumer on one server. After this silence the server counts as dead. */
const SILENCE_MS = 3_000;

/** So much text is made at once. The commands of this process come between: 64 KiB take a millisecond. */
const TURN_CHARS = 65_536;

const unzip = promisify(gunzip);

/** The pieces in larger ones, each in a turn of the event loop of its own. */
async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < TURN_CHARS) continue;
    yield text;
    text = "";
    await setImmediate();
  }
  yield text;
}

/** The compressed text of a snapshot, made in many turns: that of a full partition has 40 MB. */
export const packSnapshot = async (snapshot: Snapshot): Promise<Uint8Array<ArrayBuffer>> =>
  pipeline(inTurns(snapshotPieces(snapshot)), createGzip({ level: 1 }), async (zipped) => buffer(zipped));

/** Snapshots in a JetStream object store, one object per partition. */
export class Snapshots {
  readonly #store: ObjectStore;

  private constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Opens the store that `provision` made. */
  static async open(nats: NatsConnection, names: Names): Promise<Snapshots> {
    return new Snapshots(await new Objm(nats).open(names.snapshots));
  }

  /**
   * The saved snapshot; `undefined` if there is none. Throws if it cannot be read, or after 3 s of silence.
   */
  async load(partition: number): Promise<Snapshot | undefined> {
    const name = `partition-${partition}`;
    const found = await this.#store.get(name);
    if (found === null) return undefined;
    // An error of the chunks is thrown by the stream too. This promise reports it a second time.
    found.error.catch(() => undefined);
    const bytes = await readAll(`the snapshot ${name}`, found.data, SILENCE_MS);
    const broken = await found.error;
    if (broken instanceof Error) throw broken;
    return readSnapshot((await unzip(bytes)).toString("utf8"));
  }

  /** Deletes the snapshot: the next start is a cold one. */
  async remove(partition: number): Promise<void> {
    await this.#store.delete(`partition-${partition}`);
  }

  async save(partition: number, snapshot: Snapshot): Promise<void> {
    await this.#store.putBlob({ name: `partition-${partition}` }, await packSnapshot(snapshot));
  }
}
