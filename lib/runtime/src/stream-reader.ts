import { randomBytes } from "node:crypto";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { ConsumerConfig, ConsumerNotification, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { ClosedConnectionError } from "@nats-io/transport-node";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Hearing } from "./hearing.ts";
import { limited } from "./limited.ts";
import { Watchdog } from "./watchdog.ts";

/** A stream's consumer sends a heartbeat this often when it has no message. */
const HEARTBEAT_MS = 1_000;
const SILENCE_MS = 2 * HEARTBEAT_MS;
const PULL_MS = 5_000;
/** Short: a consumer may be placed on a server that has just died. The next one is placed on another. */
const ASK_MS = 1_500;
const RETRY_MS = 250;
const INACTIVE_MS = 30_000;
const NANOS = 1_000_000;
/** Statuses that show that the server lives while it has no message. */
const SIGNS: ReadonlySet<string> = new Set(["heartbeat", "debug", "discard"]);

/** Where a reader starts: at a position, or with the latest message of each subject. */
export type Start = number | "latest";

export interface Source {
  readonly stream: string;
  readonly filter?: string;
  readonly headersOnly?: boolean;
  /** Milliseconds without a working reader after which it throws UNAVAILABLE. Absent: no limit. */
  readonly giveUpMs?: number;
  /**
   * Where to continue if the stream ends at `end` and `next` is wanted. A ChatError that it throws ends the
   * reading.
   */
  readonly goOn: (next: Start, end: number) => Start;
}

/**
 * A message, and how many follow it now. The message is absent if nothing was left to read when a consumer
 * began, or if what should have followed was removed before it was delivered.
 */
export interface Heard {
  readonly message: JsMsg | undefined;
  readonly pending: number;
}

interface StreamReading {
  readonly source: Source;
  readonly from: Start;
  readonly hearing: Hearing;
  readonly signal: AbortSignal;
}

/**
 * A stream's messages in order, without end. It reads by an ephemeral consumer, which lives on a single
 * server. If nothing arrives for two heartbeats, it makes a new consumer after the last message: the library
 * would ask the consumer of a dead server for ever. Ends when the signal aborts. Throws UNAVAILABLE after
 * `giveUpMs`, the ChatError of `goOn`, and ClosedConnectionError.
 */
export async function* readStream(
  jsm: JetStreamManager,
  { source, from, hearing, signal }: StreamReading,
): AsyncGenerator<Heard> {
  let next = from;
  let lostSince: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const heard of hear(jsm, { source, next, hearing, signal })) {
        lostSince = undefined;
        if (heard.message !== undefined) next = heard.message.seq + 1;
        yield heard;
      }
    } catch (error) {
      if (error instanceof ClosedConnectionError) throw error;
      if (error instanceof StreamEnds) throw error.cause;
      if (signal.aborted) return;
      hearing.lost(error);
      lostSince ??= systemClock.monotonic();
      if (systemClock.monotonic() - lostSince > (source.giveUpMs ?? Infinity))
        throw new ChatError("UNAVAILABLE", `nothing is received from ${source.stream}`, { cause: error });
    }
    // The signal may abort during the sleep; the loop's condition sees it.
    await systemClock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}

/** Carries the ChatError of `goOn` past the retry of all other errors. */
class StreamEnds extends Error {
  override readonly name = "StreamEnds";
}

function startOf({ goOn }: Source, next: Start, end: number): Start {
  try {
    return goOn(next, end);
  } catch (cause) {
    throw cause instanceof ChatError ? new StreamEnds("it cannot go on", { cause }) : cause;
  }
}

interface StreamHearing extends Omit<StreamReading, "from"> {
  readonly next: Start;
}

async function* hear(
  jsm: JetStreamManager,
  { source, next, hearing, signal }: StreamHearing,
): AsyncGenerator<Heard> {
  const { stream } = source;
  const { state } = await limited(`asking for ${stream}`, ASK_MS, jsm.streams.info(stream));
  const config = configOf(source, startOf(source, next, state.last_seq));
  const info = await limited(`a reader of ${stream}`, ASK_MS, jsm.consumers.add(stream, config));
  hearing.heard(state.last_seq);
  if (info.num_pending === 0) yield { message: undefined, pending: 0 };
  const messages = await jsm
    .jetstream()
    .consumers.getConsumerFromInfo(info)
    .consume({ max_bytes: 4_194_304, expires: PULL_MS, idle_heartbeat: HEARTBEAT_MS });
  const over = new AbortController();
  const stop = (): void => {
    messages.stop();
  };
  signal.addEventListener("abort", stop, { once: true });
  let [delivered, pending] = [0, info.num_pending];
  const look = (status: ConsumerNotification): void => {
    if (status.type !== "heartbeat") return;
    const { lastConsumerSequence: sent } = status;
    // The server sends a heartbeat only behind all that it delivered.
    if (sent > messages.getReceived()) messages.stop(new Error(`the last messages of ${stream} were lost`));
    // What should have followed was removed. Only the next consumer knows what is left.
    if (pending > 0 && sent === delivered) stop();
  };
  const dog = new Watchdog(systemClock, SILENCE_MS);
  void dog.watch(over.signal, () => {
    messages.stop(new Error(`the reader of ${stream} received nothing for ${SILENCE_MS} ms`));
  });
  void (async () => {
    for await (const status of messages.status()) {
      if (SIGNS.has(status.type)) dog.sign();
      look(status);
    }
  })();
  try {
    if (signal.aborted) return;
    for await (const message of messages) {
      if (signal.aborted) return;
      delivered += 1;
      const { deliverySequence } = message.info;
      ({ pending } = message.info);
      if (deliverySequence !== delivered) throw new Error(`a message of ${stream} was lost on the way`);
      hearing.heard(Math.max(hearing.end, message.seq + pending));
      dog.rest();
      yield { message, pending };
      dog.wake();
    }
  } finally {
    over.abort(new Error("it is read no more"));
    signal.removeEventListener("abort", stop);
    stop();
  }
}

const configOf = ({ filter, headersOnly }: Source, start: Start): Partial<ConsumerConfig> => ({
  name: `reader-${randomBytes(12).toString("base64url")}`,
  ack_policy: AckPolicy.None,
  num_replicas: 1,
  mem_storage: true,
  inactive_threshold: INACTIVE_MS * NANOS,
  ...(start === "latest"
    ? { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: filter ?? ">" }
    : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start }),
  ...(filter === undefined ? {} : { filter_subject: filter }),
  ...(headersOnly === true ? { headers_only: true } : {}),
});
