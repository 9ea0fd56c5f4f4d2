import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { mint } from "../src/mint.ts";
import { metricOf } from "../src/metric.ts";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { judge, sleep, startStack } from "../src/scene.ts";

/** How long the attack lasts: short in `make test`, HOSTILE_SECONDS= for a long one. */
const SECONDS = Number(process.env["HOSTILE_SECONDS"] ?? 60);
const SEED = Number(process.env["HOSTILE_SEED"] ?? 1);
const QUIET_MS = 10_000;
/**
 * A neighbour's ack may take so much longer beside the attack than without it (p99). A short run has too few
 * acks, on machines that do other things too, for more than telling whether somebody waits for the attack.
 */
const NEIGHBOUR_MS = SECONDS >= 300 ? 100 : 1_000;

interface Report {
  readonly frames: number;
  readonly requests: number;
  readonly wrong: readonly string[];
  readonly flooded: number;
  readonly held: number;
  readonly storms: number;
}

/** The attack runs in a process of its own: its work is no part of the neighbours' times. */
async function attack(ws: string, api: string, tokens: readonly string[], ms: number): Promise<Report> {
  const child = spawn(
    process.execPath,
    [join(ROOT, "e2e/src/hostile/attacker.ts"), ws, api, String(ms), String(SEED)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin.end(tokens.join("\n"));
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as Report;
}

test(
  `people talk on while strangers send ${SECONDS} s of odd frames, odd requests, floods, held connections and storms`,
  { timeout: 240_000 + SECONDS * 2_000 },
  async (t) => {
    const stack = await startStack(t, { connectors: 1 });
    const deaths: string[] = [];
    for (const part of stack.parts) part.onDeath = (how) => deaths.push(`${part.spec.name}: ${how}`);
    const ledger = new Ledger();
    const crowd = new Crowd(stack, ledger);
    t.after(() => {
      crowd.leave();
    });
    await crowd.arrive();
    await crowd.talk(QUIET_MS);
    const quiet = crowd.answeredMs(99);
    for (const device of crowd.devices) device.answeredMs.length = 0;

    const tokens = ["wolf", "storm", "prey"].map((sub) => mint(stack.secrets.signingKeyFile, { sub }));
    const attacked = attack(stack.wsUrls[0] ?? "", stack.apiUrl, tokens, SECONDS * 1_000);
    await crowd.talkUntil(attacked);
    const report = await attacked;
    const beside = crowd.answeredMs(99);
    t.diagnostic(
      `seed ${SEED}: ${JSON.stringify(report)}; neighbours' ack p99 ${quiet.toFixed(0)} ms alone, ${beside.toFixed(0)} ms beside it`,
    );

    assert.deepEqual(deaths, [], "no process ends");
    assert.deepEqual(report.wrong, [], "REST answers by name, with a traceId");
    assert.ok(report.frames > SECONDS && report.requests > SECONDS && report.flooded > 0, "it did attack");
    const internal = 'code="INTERNAL"';
    assert.equal((await metricOf(stack.connectors[0], "jichat_connector_errors", internal)) || 0, 0);
    assert.equal((await metricOf(stack.api, "jichat_api_errors", internal)) || 0, 0);
    assert.equal((await metricOf(stack.storage, "jichat_storage_insert_failures")) || 0, 0);
    assert.ok(beside <= quiet + NEIGHBOUR_MS, `neighbours' ack p99 ${beside} ms, alone ${quiet} ms`);
    await sleep(1_000);
    await judge(t, { stack, crowd, ledger });
  },
);
