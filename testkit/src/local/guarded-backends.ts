import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createServer as createTls } from "node:tls";
import { generate } from "selfsigned";
import { needNats, needRedis } from "../needs.ts";
import type { Backend } from "./backends.ts";
import { natsServer, redisServer } from "./backends.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";

export interface Pki {
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** A private CA, a certificate for servers, and one for clients. */
export async function pki(): Promise<Pki> {
  const extensions = [{ name: "basicConstraints" as const, cA: true }];
  const ca = await generate([{ name: "commonName", value: "ca" }], { extensions });
  const signed = async (name: string) =>
    generate([{ name: "commonName", value: name }], {
      ca: { cert: ca.cert, key: ca.private },
      extensions: [
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
      ],
    });
  const [server, client] = await Promise.all([signed("server"), signed("client")]);
  return {
    server: { cert: server.cert, key: server.private },
    client: { ca: ca.cert, cert: client.cert, key: client.private },
  };
}

/** NATS, Redis and a front of ClickHouse that accept only clients with a certificate of the CA. */
export async function guardedBackends(t: TestContext, { server, client }: Pki) {
  const folder = mkdtempSync(join(tmpdir(), "jichat-mtls-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return JSON.stringify(join(folder, name));
  };
  const [natsPort = 0, redisPort = 0] = await freePorts(2);
  const tls = `cert_file: ${file("tls.crt", server.cert)}, key_file: ${file("tls.key", server.key)}, ca_file: ${file("ca.crt", client.ca)}`;
  const at = (name: string, port: number): Omit<Backend, "program"> => ({
    name,
    folder: join(folder, name),
    host: "127.0.0.1",
    port,
    logFile: join(folder, `${name}.log`),
  });
  const program = await needNats();
  const nats = new Part(natsServer({ ...at("nats", natsPort), program, tls: `${tls}, verify: true` }));
  const redis = new Part(redisServer({ ...at("redis", redisPort), program: await needRedis() }));
  const demands = { ...server, ca: client.ca, requestCert: true, rejectUnauthorized: true };
  const proxy = createTls(demands, (socket) => {
    const inner = connectTcp(redisPort, "127.0.0.1");
    socket.on("error", () => inner.destroy()).pipe(inner);
    inner.on("error", () => socket.destroy()).pipe(socket);
  });
  proxy.on("tlsClientError", () => undefined);
  const logins: (string | undefined)[] = [];
  const door = createHttps(demands, (request, response) => {
    logins.push(request.headers.authorization);
    response.end("1\n");
  });
  for (const listener of [proxy, door])
    await new Promise<void>((resolve) => {
      listener.listen(0, "127.0.0.1", resolve);
    });
  for (const one of [nats, redis]) one.start();
  t.after(async () => {
    await Promise.all([nats.stop(5_000), redis.stop(5_000)]);
    proxy.close();
    door.close();
    door.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  await Promise.all([nats.ready(20_000), redis.ready(20_000)]);
  return {
    nats: `tls://127.0.0.1:${natsPort}`,
    redis: `rediss://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    clickhouse: `https://127.0.0.1:${(door.address() as AddressInfo).port}`,
    logins,
  };
}
