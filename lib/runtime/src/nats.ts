import type { BackendTls } from "./tls-material.ts";
import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { NextServer } from "./next-server.ts";
import { readNatsUrl } from "./nats-url.ts";

/** Short: a host that is cut off never answers, and the next one should be tried soon. */
const CONNECT_MS = 2_000;

/** The first connection has no limit. Meanwhile a warning is logged this often. */
const TELL_EVERY_MS = 5_000;

/**
 * Connects to NATS, and waits until that succeeds. It never gives up reconnecting, and notices a dead server
 * within about 15 s. The library's defaults give up after ten tries, and take four minutes to notice.
 */
export async function connectNats(
  url: string,
  name: string,
  log: Logger,
  tls?: BackendTls,
): Promise<NatsConnection> {
  const next = new NextServer();
  const waiting = setInterval(() => {
    log.warn("NATS does not answer yet: waiting for it");
  }, TELL_EVERY_MS);
  const connection = await connect({
    ...readNatsUrl(url, tls),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    waitOnFirstConnect: true,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: CONNECT_MS,
    reconnectToServer: next.choose,
    noAsyncTraces: true, // A stack trace for each request takes a tenth of a busy router's time.
  }).finally(() => {
    clearInterval(waiting);
  });
  next.connectedTo(connection.getServer());
  // The library closes the connection when a server refuses its login twice. A restart reads the login again.
  void connection.closed().then((error) => {
    if (!(error instanceof Error)) return;
    log.fatal(
      { err: error },
      "NATS refuses this login now: the process ends, and its next start reads the login again",
    );
    process.exit(1);
  });
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "reconnect") next.connectedTo(status.server);
      if (status.type === "disconnect" || status.type === "reconnect" || status.type === "error")
        log.warn({ nats: status.type }, "NATS connection");
    }
  })();
  return connection;
}

/** Calls `act` after each reconnect. */
export function onReconnect(connection: Pick<NatsConnection, "status">, act: () => void): void {
  void (async () => {
    for await (const status of connection.status()) if (status.type === "reconnect") act();
  })();
}
