import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { StreamSaid } from "./copies.ts";
import { isInTouch } from "./copies.ts";
import { Patience } from "@jichat/runtime/patience.ts";

const LOOK_EVERY_MS = 1_000;
const ANSWER_MS = 1_000;
/**
 * How many logs are asked in one look. One is not enough: after a server died, a log may have no leader for a
 * moment on healthy servers too.
 */
const LOGS_AT_ONCE = 3;

/**
 * Leaves a nats-server that is cut off from its cluster, and connects to another. Such a server keeps its
 * clients and answers their pings, but answers none of their requests. Ends with the connection.
 */
export async function watchQuorum(
  nats: NatsConnection,
  logs: readonly string[],
  log: { warn(of: object, line: string): void },
): Promise<void> {
  const over = new AbortController();
  void nats.closed().then(() => {
    over.abort();
  });
  const patience = new Patience(performance.now());
  const isConnected = followConnection(nats, patience);
  for (let at = 0; !over.signal.aborted; at += LOGS_AT_ONCE) {
    const looked = pause(over.signal);
    const asked = Array.from({ length: LOGS_AT_ONCE }, (_, i) => logs[(at + i) % logs.length] ?? "");
    // A single server has no other to go to.
    const isSeen = nats.info?.cluster === undefined || (await isAnySeen(nats, asked));
    if (isSeen) patience.seen(performance.now());
    else if (isConnected() && !nats.isDraining() && patience.isOver(performance.now())) {
      log.warn({ server: nats.getServer() }, "this nats-server shows no quorum: connecting to another one");
      await nats.reconnect();
    }
    await looked;
  }
}

/** Resolves when it is time to look again, or when the connection is closed. */
async function pause(over: AbortSignal): Promise<void> {
  await systemClock.sleep(LOOK_EVERY_MS, over).catch((reason: unknown) => {
    if (!over.aborted) throw reason;
  });
}

const isAnySeen = async (nats: NatsConnection, logs: readonly string[]): Promise<boolean> =>
  (await Promise.all(logs.map(async (log) => showsQuorum(nats, log)))).includes(true);

async function showsQuorum(nats: NatsConnection, stream: string): Promise<boolean> {
  try {
    const reply = await nats.request(`$JS.API.STREAM.INFO.${stream}`, undefined, { timeout: ANSWER_MS });
    return isInTouch(reply.json<StreamSaid>());
  } catch {
    return false; // No answer: this log shows no quorum.
  }
}

/**
 * Restarts the patience after a reconnect: time without a connection does not count against the next server.
 */
function followConnection(nats: NatsConnection, patience: Patience): () => boolean {
  let isConnected = true;
  void (async () => {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") isConnected = false;
      if (type !== "reconnect") continue;
      isConnected = true;
      patience.restart(performance.now());
    }
  })();
  return () => isConnected;
}
