import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { SAYINGS } from "../src/hostile/swarm.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep } from "../src/scene.ts";

/** As in `hostile.test.ts`: only a long run, on a machine that does nothing else, can tell a tenth of a second. */
const IS_LONG = Number(process.env["HOSTILE_SECONDS"] ?? 60) >= 300;
const ATTACK_MS = IS_LONG ? 30_000 : 6_000;
const NEIGHBOUR_MS = IS_LONG ? 100 : 1_000;
const PER_SECOND = 20_000;
/** FRAMES_PER_SECOND_PER_ADDRESS, as it is when nobody sets it; a bucket holds twice that. */
const BUDGET = 2_000;
const NEIGHBOURS = 10;
const ADDRESS = "127.0.0.2";

interface Said {
  readonly frames: number;
  readonly sockets: number;
}

let stack: Stack;
let destroy: () => Promise<void>;
let aloneMs = 0;
const url = (): string => stack.wsUrls[0] ?? "";
const token = (sub: string): string => mint(stack.secrets.signingKeyFile, { sub });

before(async () => {
  ({ stack, destroy } = await startThrowaway());
  await ackP99(sleep(3_000)); // The first acks of a process take longer.
  aloneMs = await ackP99(sleep(4_000));
});
after(async () => destroy?.());

/** The p99 of the acks of neighbours who write at moments of their own until something is over. */
async function ackP99(over: Promise<unknown>): Promise<number> {
  const talk = new AbortController();
  const end = (): void => {
    talk.abort();
  };
  void over.then(end, end);
  const times: number[] = [];
  const neighbour = async (index: number): Promise<void> => {
    const socket = new Raw(url());
    assert.equal((await socket.hello(token(`neighbour${index}`))).t, "welcome");
    for (let i = 0; !talk.signal.aborted; i += 1) {
      const started = performance.now();
      const { t } = await socket.ask({ t: "send", id: `${started}-${i}`, to: `friend${index}`, body: {} });
      assert.equal(t, "ack");
      times.push(performance.now() - started);
      await sleep(20 + 80 * Math.random());
    }
    socket.close();
  };
  await Promise.all(Array.from({ length: NEIGHBOURS }, async (_, i) => neighbour(i)));
  times.sort((a, b) => a - b);
  return times[Math.floor(0.99 * times.length)] ?? 0;
}

/** In a process of its own: its work is no part of the neighbours' times. */
async function attack(name: string, users: number): Promise<Said> {
  const child = spawn(
    process.execPath,
    [join(ROOT, "e2e/src/hostile/swarmer.ts"), url(), ADDRESS, name, String(PER_SECOND), String(ATTACK_MS)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin.end(Array.from({ length: users }, (_, i) => token(`swarm${i}`)).join("\n"));
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as Said;
}

const taken = async (frame: string): Promise<number> =>
  (await metricOf(stack.connectors[0], "jichat_connector_frames", `t="${frame}"`)) || 0;

for (const [name, { perSecond, counts }] of Object.entries(SAYINGS))
  test(
    `other addresses do not wait while one sends ${PER_SECOND} ${name} a second over many sockets`,
    { timeout: ATTACK_MS + 60_000 },
    async (t) => {
      const before = counts === undefined ? 0 : await taken(counts);
      const attacked = attack(name, PER_SECOND / perSecond);
      const beside = await ackP99(attacked);
      const said = await attacked;
      t.diagnostic(
        `${JSON.stringify(said)}; neighbours' ack p99 ${aloneMs.toFixed(0)} ms alone, ${beside.toFixed(0)} ms beside it`,
      );
      assert.ok(said.frames > ATTACK_MS / 10 && said.sockets > 0, "it did attack");
      if (counts !== undefined) {
        const count = (await taken(counts)) - before;
        const most = BUDGET * (2 + ATTACK_MS / 1_000);
        assert.ok(count > BUDGET && count < 1.1 * most, `${count} frames of one address were taken`);
      }
      assert.ok(beside <= aloneMs + NEIGHBOUR_MS, `${beside} ms, alone ${aloneMs} ms`);
    },
  );
