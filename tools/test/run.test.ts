import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts, isFree } from "@jichat/testkit/local/ports.ts";
import { until } from "@jichat/testkit/until.ts";
import { needChdb, needNats, needRedis } from "@jichat/testkit/needs.ts";

/** `make run`, without make: the same tool with the same environment. */
class Run {
  readonly child: ChildProcess;
  text = "";
  readonly exited: Promise<number>;

  constructor(t: TestContext, env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [join(ROOT, "tools/src/run.ts")], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.text += chunk.toString();
    });
    this.exited = new Promise((resolve) => {
      this.child.once("exit", (code) => {
        resolve(code ?? -1);
      });
    });
    t.after(async () => {
      this.child.kill("SIGTERM");
      await this.exited;
    });
  }

  async says(pattern: RegExp, withinMs = 60_000): Promise<void> {
    const end = performance.now() + withinMs;
    while (!pattern.test(this.text)) {
      if (performance.now() > end || this.child.exitCode !== null)
        throw new Error(`it never said ${String(pattern)}:\n${this.text}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }
}

/** The origin of an app that somebody develops. */
const APP = "http://localhost:5173";

function dataFolder(t: TestContext): string {
  const data = mkdtempSync(join(tmpdir(), "jichat-run-"));
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
  });
  return data;
}

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
const pidsOf = (data: string): number[] =>
  (JSON.parse(readFileSync(join(data, "running.json"), "utf8")) as { parts: number[] }).parts;
/**
 * Two free ports in a row: the page's and its connector's. Below those that the system hands to whoever
 * connects to something: a run that starts meanwhile must not be given one of them.
 */
async function portPair(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port + 1, "127.0.0.1"))) return port;
  }
}

/** The close code of a socket that a page of this origin opens, and closes at once if it may. */
async function closedWith(url: string, origin: string): Promise<number> {
  const socket = new WebSocket(url, { headers: { origin } } as never);
  return new Promise((resolve) => {
    // A refusal comes at once behind the opening.
    socket.addEventListener("open", () => setTimeout(() => socket.close(1000), 200));
    socket.addEventListener("close", ({ code }) => {
      resolve(code);
    });
  });
}

async function post(url: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return (await (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json()) as Record<
    string,
    unknown
  >;
}

test(
  "of two parallel runs each keeps its data over a restart, restarts dead parts, and leaves no process behind",
  { timeout: 180_000 },
  async (t) => {
    const [one, two] = [dataFolder(t), dataFolder(t)];
    const [portOne, portTwo] = [await portPair(), await portPair()];
    const first = new Run(t, { PORT: String(portOne), DATA: one, ORIGINS: APP });
    const second = new Run(t, { PORT: String(portTwo), DATA: two });
    await Promise.all([first.says(/ready: open/), second.says(/ready: open/)]);
    const url = `http://127.0.0.1:${portOne}`;
    await post(`${url}/v1/users`, { user: "ann", password: "correct horse" });
    const { token } = await post(`${url}/v1/sessions`, { user: "ann", password: "correct horse" });
    const made = await post(
      `${url}/v1/conversations`,
      { id: "g1", kind: "group", name: "G", members: [] },
      String(token),
    );
    assert.equal(
      (
        await fetch(`http://127.0.0.1:${portTwo}/v1/users`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ user: "ann", password: "correct horse" }),
        })
      ).status,
      201,
    );
    assert.match(await (await fetch(url)).text(), /<title>JiChat<\/title>/);

    // A page of the app's own origin may use both doors, that of no other.
    for (const [origin, code, allowed] of [
      [APP, 1000, APP],
      ["http://localhost:5174", 4403, null],
    ] as const) {
      assert.equal(await closedWith(`ws://127.0.0.1:${portOne + 1}/v1/ws`, origin), code);
      const { headers } = await fetch(`${url}/v1/config`, { headers: { origin } });
      assert.equal(headers.get("access-control-allow-origin"), allowed);
    }

    // A part that dies is started again, and it is said.
    const [victim = 0] = pidsOf(one).slice(-1);
    process.kill(victim, "SIGKILL");
    await first.says(/push-1 ended \(SIGKILL\): starting it again/);
    await first.says(/push-1 is up again/);

    const pids = pidsOf(one);
    assert.ok(pids.length >= 6 && pids.every(isAlive));
    const stopping = performance.now();
    first.child.kill("SIGINT");
    assert.equal(await first.exited, 0);
    assert.ok(performance.now() - stopping < 5_000, "it stops within 5 s");
    assert.deepEqual(pids.filter(isAlive), []);
    assert.ok(pidsOf(two).every(isAlive), "the other one goes on");

    // The same keys, as those of another system: its token is good, and nobody signs up here.
    const TOKEN_KEYS = join(one, "secrets/token-keys.json");
    const again = new Run(t, { PORT: String(portOne), DATA: one, TOKEN_KEYS });
    await again.says(/ready: open/);
    const messages = (await (
      await fetch(`${url}/v1/conversations/${String(made["conversation"])}/events`, {
        headers: { authorization: `Bearer ${String(token)}` },
      })
    ).json()) as { events: { kind: string }[] };
    assert.deepEqual(
      messages.events.map(({ kind }) => kind),
      ["created"],
    );
    const refused = await post(`${url}/v1/users`, { user: "bob", password: "correct horse" });
    assert.equal(refused["code"], "FORBIDDEN");
  },
);

test(
  "a run uses NATS_URL, REDIS_URL and CLICKHOUSE_URL if they are set, and starts no such server itself",
  { timeout: 120_000 },
  async (t) => {
    const [backends, data] = [dataFolder(t), dataFolder(t)];
    const [nats, redis] = [await needNats(), await needRedis()];
    const chdbHome = await needChdb();
    const [natsPort = 0, redisPort = 0, clickhousePort = 0] = await freePorts(3);
    writeFileSync(
      join(backends, "nats.conf"),
      `host: 127.0.0.1\nport: ${natsPort}\njetstream { store_dir: ${JSON.stringify(join(backends, "js"))} }\n`,
    );
    const parts = [
      new Part({
        name: "nats",
        program: nats.path,
        args: ["-c", join(backends, "nats.conf")],
        env: nats.env,
        logFile: join(backends, "nats.log"),
        port: natsPort,
      }),
      new Part({
        name: "redis",
        program: redis.path,
        args: ["--port", String(redisPort), "--bind", "127.0.0.1", "--dir", backends, "--save", ""],
        env: redis.env,
        logFile: join(backends, "redis.log"),
        port: redisPort,
      }),
      // ClickHouse's HTTP interface, as a server has it.
      new Part({
        name: "clickhouse",
        program: process.execPath,
        args: [join(ROOT, "e2e/src/clickhouse-front.ts")],
        env: {
          PORT: String(clickhousePort),
          CHDB_HOME: chdbHome,
          CLICKHOUSE_EMBEDDED_PATH: join(backends, "clickhouse"),
        },
        logFile: join(backends, "clickhouse.log"),
        port: clickhousePort,
      }),
    ];
    t.after(async () => {
      for (const part of parts) await part.kill();
    });
    for (const part of parts) {
      part.start();
      await part.ready(10_000);
    }
    const port = await portPair();
    const run = new Run(t, {
      PORT: String(port),
      DATA: data,
      NATS_URL: `nats://127.0.0.1:${natsPort}`,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${clickhousePort}`,
    });
    await run.says(/ready: open/);
    assert.deepEqual(
      ["nats", "redis", "clickhouse", "nats.conf"].filter((name) => existsSync(join(data, name))),
      [],
    );
    assert.equal(existsSync(join(backends, "js")), true);
    assert.ok(
      "user" in (await post(`http://127.0.0.1:${port}/v1/users`, { user: "ann", password: "correct horse" })),
    );
    const { token } = await post(`http://127.0.0.1:${port}/v1/sessions`, {
      user: "ann",
      password: "correct horse",
    });
    const group = { id: "g", kind: "group", name: "G", members: [] };
    await post(`http://127.0.0.1:${port}/v1/conversations`, group, String(token));
    await until("the group's event in ClickHouse", 10_000, async () => {
      const query = "SELECT count() FROM jichat.events";
      const answer = await fetch(`http://127.0.0.1:${clickhousePort}/?query=${encodeURIComponent(query)}`);
      return (await answer.text()).trim() === "1";
    });
    run.child.kill("SIGINT");
    assert.equal(await run.exited, 0);
    assert.ok(
      parts.every(({ isRunning }) => isRunning),
      "what is not its own it leaves running",
    );
  },
);

test("an obstacle at the start is reported with its cure", { timeout: 180_000 }, async (t) => {
  const data = dataFolder(t);
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => {
    server.close();
  });
  const taken = String((server.address() as { port: number }).port);
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ PORT: taken, DATA: data }, /port \d+ is in use .*choose another with PORT=/],
    [{ PORT: "eighty", DATA: data }, /PORT is not an integer from 1 to \d+: eighty/],
    [{ ROUTERS: "0", DATA: data }, /ROUTERS is not an integer from 1 to 32: 0/],
    [{ NATS_URL: "no url", DATA: data }, /NATS_URL is not a URL: no url/],
    [
      { TOKEN_KEYS: "nowhere.json", DATA: data },
      /TOKEN_KEYS is neither a URL such as .* nor a file: nowhere/,
    ],
    [{ ORIGINS: "localhost:5173", DATA: data }, /ORIGINS has localhost:5173, which is no origin such as/],
  ];
  for (const [env, message] of cases) {
    const run = new Run(t, env);
    assert.equal(await run.exited, 1);
    assert.match(run.text, message);
    assert.doesNotMatch(run.text, /\n\s+at /, "no stack");
  }
  const newer = dataFolder(t);
  writeFileSync(join(newer, "version"), "99\n");
  const run = new Run(t, { DATA: newer, PORT: String(await portPair()) });
  assert.equal(await run.exited, 1);
  assert.match(
    run.text,
    /has layout version 99, this JiChat knows 1: use the JiChat that made it, or another folder with DATA=/,
  );
});
