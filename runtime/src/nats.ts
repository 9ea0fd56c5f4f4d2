import { connect } from "@nats-io/transport-node";
import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";

/** Where a NATS URL leads, and who it says we are; `tls:` asks for TLS. */
export function natsLogin(url: string): Pick<ConnectionOptions, "servers" | "user" | "pass" | "tls"> {
  const { username, password, host, protocol } = new URL(url);
  return {
    servers: url.includes(",") ? url.split(",") : host,
    ...(protocol === "tls:" ? { tls: {} } : {}),
    ...(username === "" ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}

/**
 * The library's defaults give up after ten tries and notice a dead server after four minutes: ours do
 * neither.
 */
export async function connectNats(url: string, name: string, log: Logger): Promise<NatsConnection> {
  const connection = await connect({
    ...natsLogin(url),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    waitOnFirstConnect: true,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    noAsyncTraces: true, // A stack trace per request is a tenth of a busy router.
  });
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect" || status.type === "reconnect" || status.type === "error")
        log.warn({ nats: status.type }, "NATS connection");
    }
  })();
  return connection;
}

/** Calls back after each time the connection was lost and found again. */
export function onReconnect(connection: NatsConnection, act: () => void): void {
  void (async () => {
    for await (const status of connection.status()) if (status.type === "reconnect") act();
  })();
}
