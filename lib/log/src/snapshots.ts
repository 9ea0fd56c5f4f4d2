import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setImmediate, setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { createGzip, gunzip } from "node:zlib";
import { Objm } from "@nats-io/obj";
import type { ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { ConversationShot, SavedSnapshot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { readSnapshot, snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import { readAll } from "@jichat/runtime/read-all.ts";

/** A snapshot comes in chunks from a consumer on one server. After this silence the server counts as dead. */
const SILENCE_MS = 3_000;

/** So much text is made at once. The commands of this process come between: 64 KiB take a millisecond. */
const TURN_CHARS = 65_536;
const LONG_REST_MS = 4;

/** So many ids and members, of about 100 characters each, are read at once. */
const [TURN_IDS, IDS_PER_CONVERSATION] = [600, 2];

const unzip = promisify(gunzip);

/** What comes between two turns of the event loop that make text. */
export type Rest = () => Promise<unknown>;
const noRest: Rest = async () => setImmediate();
/** For a snapshot that nobody waits for: it takes about a third of a core. */
export const longRest: Rest = async () => setTimeout(LONG_REST_MS);

/** The pieces in larger ones, each in a turn of the event loop of its own. */
async function* inTurns(pieces: Iterable<string>, rest: Rest): AsyncGenerator<string> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < TURN_CHARS) continue;
    yield text;
    text = "";
    await rest();
  }
  yield text;
}

/** What is parsed as it is read, in turns as well. Throws where the text is broken. */
async function* readInTurns(conversations: Iterable<ConversationShot>): AsyncGenerator<ConversationShot> {
  let ids = 0;
  for (const conversation of conversations) {
    yield conversation;
    ids += IDS_PER_CONVERSATION + conversation.ids.length + conversation.members.length;
    if (ids < TURN_IDS) continue;
    ids = 0;
    await setImmediate();
  }
}

/** The compressed text of a snapshot, made in many turns: that of a full partition has 40 MB. */
export const packSnapshot = async (snapshot: Snapshot, rest = noRest): Promise<Uint8Array<ArrayBuffer>> =>
  pipeline(inTurns(snapshotPieces(snapshot), rest), createGzip({ level: 1 }), async (zipped) =>
    buffer(zipped),
  );

/** The snapshot in a compressed text. Its conversations are parsed in many turns, as they are read. */
export async function unpackSnapshot(bytes: Uint8Array): Promise<SavedSnapshot> {
  const { conversations, ...head } = readSnapshot((await unzip(bytes)).toString("utf8"));
  return { ...head, conversations: readInTurns(conversations) };
}

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
   * The saved snapshot; `undefined` if there is none. Throws after 3 s of silence, or if its head cannot be
   * read; its conversations throw where they cannot.
   */
  async load(partition: number): Promise<SavedSnapshot | undefined> {
    const name = `partition-${partition}`;
    const found = await this.#store.get(name);
    if (found === null) return undefined;
    // An error of the chunks is thrown by the stream too. This promise reports it a second time.
    found.error.catch(() => undefined);
    const bytes = await readAll(`the snapshot ${name}`, found.data, SILENCE_MS);
    const broken = await found.error;
    if (broken instanceof Error) throw broken;
    return unpackSnapshot(bytes);
  }

  /** Deletes the snapshot: the next start is a cold one. */
  async remove(partition: number): Promise<void> {
    await this.#store.delete(`partition-${partition}`);
  }

  async save(partition: number, snapshot: Snapshot, rest?: Rest): Promise<void> {
    await this.#store.putBlob({ name: `partition-${partition}` }, await packSnapshot(snapshot, rest));
  }
}
