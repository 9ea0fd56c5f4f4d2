import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { originOf } from "@jichat/protocol/origin.ts";
import { buildPage } from "@jichat/testkit/build-page.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { DataFolder } from "@jichat/testkit/local/data-folder.ts";
import { webhookSecretFile } from "@jichat/testkit/local/push-folder.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import { isFree } from "@jichat/testkit/local/ports.ts";
import { raiseLevel } from "@jichat/testkit/local/raise-level.ts";
import type { StackOptions } from "@jichat/testkit/local/stack.ts";
import { Stack } from "@jichat/testkit/local/stack.ts";
import type { OtlpReceiver } from "@jichat/testkit/observe/otlp-receiver.ts";
import { observe } from "@jichat/testkit/observe/observer.ts";
import { needChdb, needNats, needRedis } from "@jichat/testkit/needs.ts";
import { prepareUws } from "@jichat/testkit/glibc.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";

const HOST = "127.0.0.1";
const RESTART_MS = 200;
const RESTART_MAX_MS = 5_000;
/** A part that has run for this long is healthy: after it, the restart delay starts anew. */
const HEALTHY_MS = 10_000;

interface Options {
  readonly port: number;
  readonly data: string;
  readonly routers: number;
  readonly connectors: number;
  /** Traces every write and shows it as a tree. */
  readonly isObserved: boolean;
  /** Origins of pages that may use it, beside its own page: of an app that is being developed, say. */
  readonly origins: readonly string[];
  /** The keys of another system's tokens, a URL or a file. Absent: the accounts are those of this cluster. */
  readonly tokenKeys: string | undefined;
  /** Where pushes of kind `webhook` go. */
  readonly webhookUrl: string | undefined;
  /** URLs of external servers. An absent one is started here. */
  readonly natsUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly clickhouseUrl: string | undefined;
}

function intOf(key: string, fallback: number, min: number, max: number): number {
  const text = process.env[key] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new UserError(`${key} is not an integer from ${min} to ${max}: ${text}`);
  return value;
}

function urlOf(key: string): string | undefined {
  const text = process.env[key] ?? "";
  if (text === "") return undefined;
  if (!URL.canParse(text)) throw new UserError(`${key} is not a URL: ${text}`);
  return text;
}

function originsOf(key: string): readonly string[] {
  const texts = (process.env[key] ?? "").split(",").map((text) => text.trim());
  return texts
    .filter((text) => text !== "")
    .map((text) => {
      const origin = text === "*" ? text : originOf(text);
      if (origin === undefined)
        throw new UserError(
          `${key} has ${text}, which is no origin such as http://localhost:5173, without a path`,
        );
      return origin;
    });
}

/** The components check TOKEN_ALGORITHM, TOKEN_ISSUER and TOKEN_AUDIENCE, which they inherit. */
function tokenKeysOf(key: string): string | undefined {
  const text = process.env[key] ?? "";
  if (text === "") return undefined;
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  if (existsSync(text)) return resolve(text);
  throw new UserError(
    `${key} is neither a URL such as http://127.0.0.1:3000/.well-known/jwks.json nor a file: ${text}`,
  );
}

function readOptions(): Options {
  const connectors = intOf("CONNECTORS", 1, 1, 32);
  return {
    connectors,
    isObserved: intOf("OBSERVE", 0, 0, 1) === 1,
    origins: originsOf("ORIGINS"),
    tokenKeys: tokenKeysOf("TOKEN_KEYS"),
    webhookUrl: urlOf("PUSH_WEBHOOK"),
    natsUrl: urlOf("NATS_URL"),
    redisUrl: urlOf("REDIS_URL"),
    clickhouseUrl: urlOf("CLICKHOUSE_URL"),
    routers: intOf("ROUTERS", 1, 1, 32),
    port: intOf("PORT", 8_080, 1, 65_535 - connectors),
    data: resolve(
      process.env["DATA"] === undefined || process.env["DATA"] === ""
        ? join(ROOT, ".data")
        : process.env["DATA"],
    ),
  };
}

async function checkPorts({ port, connectors }: Options): Promise<void> {
  for (let i = 0; i <= connectors; i += 1) {
    if (await isFree(port + i, HOST)) continue;
    throw new UserError(
      `port ${port + i} is in use (the page takes PORT, the connectors the ${connectors} behind it): choose another with PORT=`,
    );
  }
}

/** Restarts a part whenever it dies, with a growing delay, and reports it. */
function watch(part: Part, isStopping: () => boolean, changed: () => void): void {
  let waitMs = RESTART_MS;
  let startedAt = performance.now();
  part.onDeath = (how) => {
    if (isStopping()) return;
    if (performance.now() - startedAt > HEALTHY_MS) waitMs = RESTART_MS;
    say(
      `${part.spec.name} ended (${how}): starting it again in ${waitMs / 1_000} s; its log is ${part.spec.logFile}`,
    );
    setTimeout(() => {
      if (isStopping()) return;
      startedAt = performance.now();
      part.start();
      changed();
      part.ready(60_000).then(
        () => {
          say(`${part.spec.name} is up again`);
        },
        (error: unknown) => {
          if (!isStopping() && part.isRunning) say(error instanceof Error ? error.message : String(error));
        },
      );
    }, waitMs);
    waitMs = Math.min(RESTART_MAX_MS, 2 * waitMs);
  };
}

function sayReady({ parts, apiUrl }: Stack, options: Options): void {
  const { isObserved, origins, tokenKeys, webhookUrl, data } = options;
  for (const { spec } of isObserved ? parts : [])
    if (spec.adminPort !== undefined)
      say(`metrics of ${spec.name}: http://${HOST}:${spec.adminPort}/metrics`);
  if (origins.length > 0) say(`pages of ${origins.join(", ")} may use it too`);
  if (tokenKeys !== undefined) say(`tokens are those of ${tokenKeys}: nobody signs up or in here`);
  if (webhookUrl !== undefined)
    say(`pushes are posted to ${webhookUrl}, signed with the secret in ${webhookSecretFile(data)}`);
  say(`ready: open ${apiUrl} (Ctrl-C stops; data and logs are in ${data})`);
}

/** Sends the spans of every write to the observer, if there is one. */
const tracedTo = (receiver: OtlpReceiver | undefined): Pick<StackOptions, "env"> =>
  receiver === undefined
    ? {}
    : { env: { "*": { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_RATIO: "1" } } };

await main(async () => {
  const options = readOptions();
  const { natsUrl, redisUrl, clickhouseUrl } = options;
  const folder = new DataFolder(options.data);
  let stopping: Promise<void> | undefined;
  let stack: Stack | undefined;
  const stop = (): void => {
    if (stopping !== undefined) return;
    say("stopping ...");
    stopping = (async () => {
      await stack?.stop();
      folder.release();
      say(`stopped; everything is kept in ${options.data}`);
      process.exit(0);
    })();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  try {
    await checkPorts(options);
    const [nats, redis, chdbHome] = [
      natsUrl === undefined ? await needNats() : undefined,
      redisUrl === undefined ? await needRedis() : undefined,
      clickhouseUrl === undefined ? await needChdb() : undefined,
    ];
    await prepareUws();
    const receiver = options.isObserved ? await observe() : undefined;
    stack = await Stack.plan({
      ...options,
      push: { workers: 1, webhookUrl: options.webhookUrl },
      host: HOST,
      nats,
      redis,
      chdbHome,
      webRoot: await buildPage(),
      ...tracedTo(receiver),
    });
    say(
      `starting NATS, Redis, storage, ${options.routers} router(s), ${options.connectors} connector(s), api, a push worker ...`,
    );
    const changed = (): void => {
      folder.write((stack?.parts ?? []).flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
    };
    const starting = stack.start();
    const recording = setInterval(changed, 100);
    await starting.finally(() => {
      clearInterval(recording);
    });
    if (natsUrl === undefined) await raiseLevel(stack); // Otherwise, others may share the servers.
    for (const part of stack.parts) watch(part, () => stopping !== undefined, changed);
    changed();
    sayReady(stack, options);
  } catch (error) {
    if (stopping !== undefined) return;
    await stack?.destroy();
    folder.release();
    throw error instanceof UserError
      ? error
      : new UserError(error instanceof Error ? error.message : String(error));
  }
});
