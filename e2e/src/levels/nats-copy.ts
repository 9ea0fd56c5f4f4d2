import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { connect, headers } from "@nats-io/transport-node";

const NO_MESSAGE = 10_037;

/** A message as it is stored in a stream. Its data is text if it is valid UTF-8, otherwise base64. */
interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  readonly headers?: readonly (readonly [string, readonly string[]])[];
  readonly text?: string;
  readonly base64?: string;
}

/** A stream, which may be a log, a bucket or an object store. */
export interface StoredStream {
  readonly config: Partial<StreamConfig> & { readonly name: string };
  readonly created: string;
  readonly first: number;
  readonly last: number;
  readonly messages: readonly StoredMessage[];
}

async function withJetStream<T>(
  url: string,
  act: (jsm: JetStreamManager, nats: NatsConnection) => Promise<T>,
): Promise<T> {
  const nats = await connect({ servers: url });
  try {
    return await act(await jetstreamManager(nats), nats);
  } finally {
    await nats.close();
  }
}

const headersOf = (found: MsgHdrs | undefined): Pick<StoredMessage, "headers"> =>
  found === undefined ? {} : { headers: found.keys().map((key) => [key, found.values(key)] as const) };

function dataOf(bytes: Uint8Array): Pick<StoredMessage, "text" | "base64"> {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString("utf8");
  return Buffer.from(text, "utf8").equals(buffer) ? { text } : { base64: buffer.toString("base64") };
}

/** Undefined if the message was deleted or replaced, or has expired. */
async function messageAt(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
): Promise<StoredMessage | undefined> {
  try {
    const found = await jsm.streams.getMessage(stream, { seq });
    if (found === null) return undefined;
    return { seq, subject: found.subject, ...headersOf(found.header), ...dataOf(found.data) };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

/** The first and last sequence of a stream. */
export async function streamState(
  url: string,
  name: string,
): Promise<{ readonly first: number; readonly last: number }> {
  return withJetStream(url, async (jsm) => {
    const { state } = await jsm.streams.info(name);
    return { first: state.first_seq, last: state.last_seq };
  });
}

/** The creation time of each stream. */
export async function streamsMade(url: string, streams: readonly string[]): Promise<readonly string[]> {
  return withJetStream(url, async (jsm) => {
    const infos = await Promise.all(streams.map(async (name) => jsm.streams.info(name)));
    return infos.map(({ created }) => created);
  });
}

/** Copies all streams of a server with all their messages. */
export async function copyStreams(url: string): Promise<readonly StoredStream[]> {
  return withJetStream(url, async (jsm) => {
    const copied: StoredStream[] = [];
    for await (const { config, created, state } of jsm.streams.list()) {
      const { metadata: _, ...own } = config; // The server's own fields, about its version.
      const messages: StoredMessage[] = [];
      // A stream that never had a message begins at 0.
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
        const message = await messageAt(jsm, config.name, seq);
        if (message !== undefined) messages.push(message);
      }
      copied.push({ config: own, created, first: state.first_seq, last: state.last_seq, messages });
    }
    return copied.sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
  });
}

/**
 * Restores streams with the same configuration, and with every message at its sequence, as if nothing had
 * happened.
 */
export async function restoreStreams(url: string, streams: readonly StoredStream[]): Promise<void> {
  await withJetStream(url, async (jsm) => {
    for (const stream of streams) await restoreStream(jsm, stream);
  });
}

async function restoreStream(
  jsm: JetStreamManager,
  { config, first, last, messages }: StoredStream,
): Promise<void> {
  const { name } = config;
  await jsm.streams.add(config);
  // An empty stream that is purged up to a sequence continues after it.
  if (first > 1) await jsm.streams.purge(name, { seq: first });
  const bySeq = new Map(messages.map((message) => [message.seq, message]));
  const filler = (config.subjects?.[0] ?? "").replace(/[*>]$/, "filler");
  for (let seq = Math.max(1, first); seq <= last; seq += 1) {
    const message = bySeq.get(seq);
    const ack = await (message === undefined
      ? jsm.jetstream().publish(filler)
      : jsm.jetstream().publish(message.subject, bytesOf(message), { headers: storedHeaders(message) }));
    if (ack.seq !== seq) throw new Error(`${name} has ${ack.seq} where ${seq} was`);
  }
  if (messages.length < last - Math.max(1, first) + 1) await jsm.streams.purge(name, { filter: filler });
  const { state } = await jsm.streams.info(name);
  if (state.last_seq !== last || state.messages !== messages.length)
    throw new Error(`${name} has ${state.messages} messages up to ${state.last_seq}, not as it was`);
}

const bytesOf = ({ text, base64 = "" }: StoredMessage): Uint8Array =>
  text === undefined ? Buffer.from(base64, "base64") : Buffer.from(text, "utf8");

/** Drops expectations: they were meant for the first publish, and what they refer to may be gone. */
function storedHeaders(message: StoredMessage): MsgHdrs {
  const said = headers();
  for (const [key, values] of message.headers ?? [])
    if (!key.startsWith("Nats-Expected-")) for (const value of values) said.append(key, value);
  return said;
}
