import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { pino } from "pino";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Bus } from "../src/bus.ts";
import { NobodyServes, SendRefused } from "../src/bus.ts";
import { LocalBus } from "../src/local-bus.ts";
import { NatsBus } from "../src/nats-bus.ts";
import { connectNats } from "../src/nats.ts";

const BYTES_MAX = 65_536;
const PATIENCE_MS = 5_000;
const log = pino({ level: "silent" });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Two components on one bus. */
type Sides = readonly [Bus, Bus];

const local = async (): Promise<Sides> => {
  const bus = new LocalBus({ bytesMax: BYTES_MAX });
  return [bus.join("one"), bus.join("two")];
};

/** Two connections to a nats-server of its own, which ends with the test. */
async function overNats(t: TestContext): Promise<Sides> {
  const folder = mkdtempSync(join(tmpdir(), "jichat-bus-"));
  const [port = 0] = await freePorts(1);
  const config = join(folder, "nats.conf");
  writeFileSync(config, `host: 127.0.0.1\nport: ${port}\nmax_payload: ${BYTES_MAX}\n`);
  const { path: program, env } = await needNats();
  const server = new Part({
    name: "nats",
    program,
    env,
    args: ["-c", config],
    port,
    logFile: join(folder, "nats.log"),
  });
  server.start();
  await server.ready(10_000);
  const url = `nats://127.0.0.1:${port}`;
  const connections = await Promise.all(["one", "two"].map((name) => connectNats(url, name, log)));
  t.after(async () => {
    for (const connection of connections) await connection.close();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const [one, two] = connections.map((connection) => new NatsBus(connection, log));
  assert.ok(one !== undefined && two !== undefined);
  return [one, two];
}

for (const [name, open] of [
  ["the bus within a process", local],
  ["the bus over NATS", overNats],
] as const) {
  /** Repeats a request until somebody serves: over NATS a subscription takes a moment to be known. */
  const untilServed = async (bus: Bus, subject: string, text: string): Promise<string> => {
    let answer: string | undefined;
    await until(`somebody serves ${subject}`, PATIENCE_MS, async () => {
      try {
        answer = textOf(await bus.request(subject, bytesOf(text), PATIENCE_MS));
        return true;
      } catch (error) {
        if (error instanceof NobodyServes) return false;
        throw error;
      }
    });
    return answer ?? assert.fail("no answer");
  };

  test(`${name}: a request is answered, and also by an empty answer`, async (t) => {
    const [one, two] = await open(t);
    two.subscribe("echo", ({ bytes, reply }) => {
      if (bytes.length === 0) reply();
      else reply(bytesOf(`${textOf(bytes)} back`));
    });
    assert.equal(await untilServed(one, "echo", "there"), "there back");
    assert.equal((await one.request("echo", bytesOf(""), PATIENCE_MS)).length, 0);
    assert.equal(await untilServed(two, "echo", "own"), "own back", "a component may serve its own requests");
  });

  test(`${name}: a message reaches every subscriber once, in order, and the first answer counts`, async (t) => {
    const [one, two] = await open(t);
    const heard: string[][] = [[], []];
    two.subscribe("news", ({ bytes, reply }) => {
      heard[0]?.push(textOf(bytes));
      reply(bytesOf("two"));
    });
    // Only then: over NATS the silent subscriber may be known first, and nobody would answer the request.
    assert.equal(await untilServed(one, "news", "first"), "two");
    one.subscribe("news", ({ bytes }) => {
      heard[1]?.push(textOf(bytes));
    });
    for (const text of ["a", "b", "c"]) one.publish("news", bytesOf(text));
    assert.equal(textOf(await one.request("news", bytesOf("last"), PATIENCE_MS)), "two");
    await until("both have heard all", PATIENCE_MS, () => heard.every((texts) => texts.at(-1) === "last"));
    assert.deepEqual(heard[0]?.slice(-4), ["a", "b", "c", "last"]);
    assert.deepEqual(heard[1]?.slice(-4), ["a", "b", "c", "last"]);
  });

  test(`${name}: without a subscriber a request is rejected at once, and so it is after both ways of ending one`, async (t) => {
    const [one, two] = await open(t);
    const asking = async (timeoutMs: number): Promise<unknown> => one.request("q", bytesOf("?"), timeoutMs);
    await assert.rejects(asking(60_000), NobodyServes);
    for (const end of ["stop", "drain"] as const) {
      const subscription = two.subscribe("q", ({ reply }) => {
        reply();
      });
      await untilServed(one, "q", "?");
      subscription[end]();
      await until(`nobody serves after ${end}`, PATIENCE_MS, async () =>
        // A request that the end overtakes may be dropped, and then has no answer.
        asking(200).then(
          () => false,
          (error: unknown) => error instanceof NobodyServes,
        ),
      );
    }
  });

  test(`${name}: a request without an answer is rejected after its time-out`, async (t) => {
    const [one, two] = await open(t);
    two.subscribe("mute", ({ bytes, reply }) => {
      if (textOf(bytes) === "answer") reply();
    });
    await untilServed(one, "mute", "answer");
    const began = performance.now();
    await assert.rejects(one.request("mute", bytesOf("silence"), 100), (error) => {
      assert.ok(!(error instanceof NobodyServes) && !(error instanceof SendRefused));
      return true;
    });
    assert.ok(performance.now() - began >= 95);
  });

  test(`${name}: more than one message holds is refused, and is not sent`, async (t) => {
    const [one, two] = await open(t);
    const sizes: number[] = [];
    let refusedAnswer: unknown;
    two.subscribe("large", ({ bytes, reply }) => {
      sizes.push(bytes.length);
      try {
        reply(new Uint8Array(BYTES_MAX + 1));
      } catch (error) {
        refusedAnswer = error;
        reply(bytesOf("smaller"));
      }
    });
    assert.equal(await untilServed(one, "large", "x"), "smaller");
    assert.ok(refusedAnswer instanceof Error, "an answer that is too large throws");
    assert.equal(one.bytesMax, BYTES_MAX);
    sizes.length = 0;
    await one.request("large", new Uint8Array(BYTES_MAX), PATIENCE_MS);
    await assert.rejects(one.request("large", new Uint8Array(BYTES_MAX + 1), PATIENCE_MS), (error) => {
      assert.ok(error instanceof SendRefused && error.refusal.code === "FRAME_TOO_LARGE");
      return true;
    });
    await one.request("large", bytesOf("y"), PATIENCE_MS);
    assert.deepEqual(sizes, [BYTES_MAX, 1]);
  });
}

test("the bus within a process: `drain` still receives what is on its way, `stop` does not", async () => {
  const held: (() => void)[] = [];
  const bus = new LocalBus({
    bytesMax: BYTES_MAX,
    transit: {
      toBus: (_, arrive) => {
        arrive();
      },
      toMember: (_, arrive) => {
        held.push(arrive);
      },
    },
  });
  const heard: string[] = [];
  const side = bus.join("one");
  const hear = ({ bytes }: { readonly bytes: Uint8Array }): void => void heard.push(textOf(bytes));
  const [drained, stopped] = [side.subscribe("drained", hear), side.subscribe("stopped", hear)];
  for (const subject of ["drained", "stopped"]) side.publish(subject, bytesOf(subject));
  drained.drain();
  stopped.stop();
  for (const arrive of held) arrive();
  assert.deepEqual(heard, ["drained"]);
});
