import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { callRest } from "@jichat/client/rest.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { stoppedBy, untilLevel } from "../metric.ts";
import { Raw } from "../raw.ts";
import { Cast } from "./cast.ts";
import { copyDatabase } from "./clickhouse-copy.ts";
import type { Level } from "./fixture.ts";
import { writeLevel } from "./fixture.ts";
import { changed, start, startBackends, storageCommand } from "./level-stack.ts";
import type { LevelStack, SecretTexts } from "./level-stack.ts";
import { copyStreams, streamState } from "./nats-copy.ts";
import { copyRedis } from "./redis-copy.ts";
import { ENCODINGS, answered, toldTo } from "./told.ts";

/**
 * Records a fixture: the data that the present version leaves in NATS, Redis and ClickHouse, and its answers
 * about them. Argument: the level's name, whose folder must already have a README.
 */
const PARTITIONS = 2;
const USERS = ["ann", "bob", "cyd", "dan"] as const;
const PASSWORD = "correct horse – Batterie, Heftklammer ✓";
const PATIENCE_MS = 30_000;
const GRACE_MS = 10_000;
/** The last batches stay in the log, since no later batch says yet that their effects are done. */
const NOT_TRIMMED_MAX = 5;
/** For a round of which nothing may reach ClickHouse. */
const NO_FLUSH = { FLUSH_MS: "60000", FLUSH_ROWS: "1000000" };
const names = namesOf("jichat");

interface Tokens {
  readonly of: ReadonlyMap<string, string>;
  readonly void: readonly string[];
  readonly ofDan: string;
}

async function signUp(stack: Stack): Promise<Tokens> {
  const call = async (method: string, path: string, body?: object, token?: string): Promise<string> => {
    const reply = await callRest<{ token?: string }>(method, path, {
      api: stack.apiUrl,
      ...(body && { body }),
      ...(token !== undefined && { token }),
    });
    return reply.token ?? "";
  };
  const signIn = async (user: string): Promise<string> =>
    call("POST", "/v1/sessions", { user, password: PASSWORD });
  const of = new Map<string, string>();
  for (const user of USERS) {
    await call("POST", "/v1/users", { user, password: PASSWORD, name: `${user} Ó Súilleabháin 🌻` });
    of.set(user, await signIn(user));
  }
  await call("PATCH", "/v1/me", { name: "Ann, renamed" }, of.get("ann"));
  const signedOut = await signIn("cyd");
  const left = await fetch(`${stack.apiUrl}/v1/sessions`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${signedOut}` },
  });
  assert.ok(left.ok, `signing out is answered with ${left.status}`);
  const old = of.get("dan") ?? "";
  const ofDan = await call("PUT", "/v1/me/password", { old: PASSWORD, new: `${PASSWORD}!` }, old);
  of.set("dan", ofDan);
  return { of, void: [signedOut, old], ofDan };
}

/**
 * Loses the end of a group's log with its last acked message, and continues in a new generation. Stops
 * `storage` first, so that only Redis knows of the lost message.
 */
async function loseTail(
  { stack, cast }: Pick<Recording, "stack" | "cast">,
  storage: Part,
  conversation: string,
  partition: number,
): Promise<void> {
  const { nats, options } = stack;
  assert.ok(nats !== undefined);
  const store = join(options.data, "nats/jetstream/$G/streams", names.logStream(partition));
  const copy = join(options.data, "log-before");
  await nats.stop(GRACE_MS);
  cpSync(store, copy, { recursive: true });
  await start(nats);
  // This message reaches ClickHouse. If storage ran, it would be asked for every conversation that the outage
  // made cold.
  await cast.send("trimmed", "ann", { conversation, body: { text: "kept" } });
  const lists = async (text: string): Promise<boolean> => {
    const { conversations } = await cast.say("ann", { t: "sync" });
    const found = (conversations as { conversation: string; last?: { body?: { text?: string } } }[]).find(
      (one) => one.conversation === conversation,
    );
    return found?.last?.body?.text === text;
  };
  await until("its effects", PATIENCE_MS, async () => lists("kept"));
  await untilLevel(storage, PATIENCE_MS);
  await storage.kill();
  for (const text of ["lost", "lost too"]) await cast.say("ann", { t: "send", conversation, body: { text } });
  await until("their effects", PATIENCE_MS, async () => lists("lost too"));
  await nats.kill();
  rmSync(store, { recursive: true });
  cpSync(copy, store, { recursive: true });
  await start(nats);
  const [router] = stack.routers;
  await until("the partition stops", PATIENCE_MS, async () => {
    // The owner learns of the loss from an append.
    const refused = cast.say("ann", { t: "send", conversation, body: {} }, undefined, 0);
    await assert.rejects(refused, { code: "UNAVAILABLE" });
    return (await stoppedBy(router, "LogRegressed")).includes(partition);
  });
  const [report] = await storageCommand(stack, "generation", "--partition", String(partition));
  assert.equal(report?.["lost"], 2);
  await until("it goes on", PATIENCE_MS, async () => (await stoppedBy(router, "LogRegressed")).length === 0);
}

/** A device that goes offline: its ticket, and its cursor. */
async function goAway(stack: Stack, token: string): Promise<Omit<Level["away"], "missed">> {
  const device = "tablet";
  const socket = new Raw(stack.wsUrls[0] ?? "");
  const welcome = await socket.hello(token, device);
  const synced = answered(await socket.ask({ t: "sync", id: "before" }));
  socket.close();
  return { device, ticket: String(welcome["ticket"]), cursor: String(synced["cursor"]) };
}

async function missedSince(stack: Stack, token: string, since: string): Promise<readonly unknown[]> {
  const path = `/v1/conversations?${new URLSearchParams({ since, limit: "200" }).toString()}`;
  const { items, reset, more } = await callRest<{ items: unknown[]; reset?: true; more: boolean }>(
    "GET",
    path,
    {
      api: stack.apiUrl,
      token,
    },
  );
  assert.deepEqual([reset, more], [undefined, false]);
  return items;
}

/** The recorded cluster, and the people on it. */
interface Recording {
  readonly stack: Stack;
  readonly router: Part;
  readonly cast: Cast;
  readonly tokens: Tokens;
  /** Groups in which everything happens, and groups in which nothing happens after the snapshot. */
  readonly busy: readonly string[];
  readonly warm: readonly string[];
}

/** Data that is only in ClickHouse. After it, one partition continues in another generation. */
async function roundTrimmed(stack: Stack): Promise<Recording> {
  say("round trimmed");
  const { storage, routers, connectors, api, natsUrl } = stack;
  const [router] = routers;
  assert.ok(router !== undefined);
  const trimming = changed(storage, { FLUSH_MS: "100", TRIM_GRACE_MS: "0", TRIM_EVERY_MS: "200" });
  await start(trimming, router, ...connectors, api);
  const tokens = await signUp(stack);
  const cast = new Cast(stack);
  for (const [at, user] of USERS.entries())
    await cast.arrive(user, tokens.of.get(user) ?? "", ENCODINGS[at % 2] ?? "");
  const busy: string[] = [];
  const warm: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    busy.push(await cast.group(partition, PARTITIONS, ["bob"], `Everything ${partition}`));
    warm.push(await cast.group(partition, PARTITIONS, ["bob"], `Warm ${partition}`));
  }
  for (const conversation of busy) await cast.doAll("trimmed", conversation, tokens.of.get("bob") ?? "");
  await cast.direct("trimmed", "ann", "bob");
  await cast.direct("trimmed", "ann", "dan");
  await untilLevel(trimming, PATIENCE_MS);
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    await until("the log is trimmed", PATIENCE_MS, async () => {
      const { first, last } = await streamState(natsUrl, names.logStream(partition));
      return first > 1 && last - first < NOT_TRIMMED_MAX;
    });
  await loseTail({ stack, cast }, trimming, busy[1] ?? "", 1);
  return { stack, router, cast, tokens, busy, warm };
}

/** Data that is in ClickHouse and in the log, up to a snapshot of each partition. */
async function roundStored({
  stack,
  router,
  cast,
  tokens,
  busy,
  warm,
}: Recording): Promise<{ verified: Level["verified"]; away: Omit<Level["away"], "missed"> }> {
  say("round stored");
  const flushing = changed(stack.storage, { FLUSH_MS: "100" });
  await start(flushing);
  const bob = tokens.of.get("bob") ?? "";
  for (const conversation of busy) await cast.doAll("stored", conversation, bob);
  for (const conversation of warm)
    await cast.send("stored", "bob", { conversation, body: { text: "still warm" } });
  await cast.direct("stored", "ann", "bob");
  await untilLevel(flushing, PATIENCE_MS);
  const verified = await storageCommand(stack, "verify");
  const away = await goAway(stack, bob);
  await router.stop(GRACE_MS); // It writes the snapshot last.
  await flushing.kill();
  return { verified, away };
}

/** Data that is only in the log. All parts end as in a power cut. */
async function roundLogged(
  { stack, router, cast, tokens, busy }: Recording,
  since: string,
): Promise<Pick<Level, "told"> & { missed: readonly unknown[] }> {
  say("round logged");
  const unflushing = changed(stack.storage, NO_FLUSH);
  await start(unflushing, router);
  const bob = tokens.of.get("bob") ?? "";
  for (const conversation of busy) await cast.doAll("logged", conversation, bob);
  await cast.direct("logged", "ann", "bob");
  await cast.direct("logged", "bob", "cyd");
  await cast.group(0, PARTITIONS, ["bob", "dan"], "Only in the log");
  const told: Record<string, Level["told"][string]> = {};
  for (const user of USERS) told[user] = await toldTo(stack, user, [...cast.conversations]);
  const missed = await missedSince(stack, bob, since);
  for (const part of [unflushing, router, ...stack.connectors, stack.api]) await part.kill();
  cast.leave();
  return { told, missed };
}

async function record({ stack, clickhouseUrl }: LevelStack): Promise<Level> {
  const recording = await roundTrimmed(stack);
  const { verified, away } = await roundStored(recording);
  const { told, missed } = await roundLogged(recording, away.cursor);
  const secrets = Object.entries(stack.secrets).map(([name, file]) => [
    name,
    readFileSync(String(file), "utf8"),
  ]);
  return {
    secrets: Object.fromEntries(secrets) as SecretTexts,
    streams: await copyStreams(stack.natsUrl),
    redis: await copyRedis(stack.redisUrl),
    database: await copyDatabase(clickhouseUrl, names.database),
    told,
    sent: recording.cast.sent,
    verified,
    warm: recording.warm,
    away: { ...away, missed },
    password: PASSWORD,
    voidTokens: recording.tokens.void,
    validToken: recording.tokens.ofDan,
  };
}

/**
 * Checks that the fixture has all three parts of the log. Without one, it would prove less than it claims.
 */
function check({ streams, database }: Level): void {
  const watermarks = database.tables.find(({ name }) => name === "watermarks")?.rows ?? [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const log = streams.find(({ config }) => config.name === names.logStream(partition));
    const positions = watermarks.flatMap((row) =>
      row["partition"] === partition ? [Number(row["position"])] : [],
    );
    const watermark = Math.max(...positions);
    assert.ok(log !== undefined && log.first > 10 && log.first < watermark && watermark < log.last);
    say(`partition ${partition}: log ${log.first} to ${log.last}, ClickHouse up to ${watermark}`);
  }
}

await main(async () => {
  const [level] = process.argv.slice(2);
  if (level === undefined) throw new UserError("usage: node e2e/src/levels/record.ts LEVEL");
  const env = { "*": { PARTITIONS: String(PARTITIONS), TRACE_RATIO: "1" } };
  const backends = await startBackends({ env });
  try {
    const recorded = await record(backends);
    check(recorded);
    writeLevel(level, recorded);
  } finally {
    await backends.destroy();
  }
});
