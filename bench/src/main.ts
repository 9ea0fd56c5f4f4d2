import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { mint } from "@jichat/e2e/mint.ts";
import { ROOT } from "@jichat/tools/cache.ts";
import { Stack } from "@jichat/tools/local/stack.ts";
import { needChdb, needNats, needRedis } from "@jichat/tools/needs.ts";
import { measureAppends } from "./append.ts";
import { measureEcho, measureRawEcho } from "./echo.ts";
import { cpuPer1000 } from "./cpu.ts";
import { measureEncodings } from "./encodings.ts";
import type { TalkFigures } from "./talk.ts";
import { PAIRS, Pairs } from "./talk.ts";

const RATES = [1_000, 4_000, 8_000, 10_000, 12_000, 14_000, 16_000, 20_000];
const RUNS = 3;
const TALK_MS = 8_000;
const RECEIVE_P99_MAX_MS = 250;
const PING = JSON.stringify({ t: "ping", id: "p" });

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
/** One rate, three times: nothing lost in any, and the run whose receive p99 is in the middle. */
interface Step {
  readonly rate: number;
  readonly complete: boolean;
  readonly median: Run;
  readonly receiveP99s: readonly number[];
}
interface Run extends TalkFigures {
  /** CPU seconds per 1,000 messages, by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

const isGood = ({ complete, median }: Step): boolean => complete && median.receiveP99 < RECEIVE_P99_MAX_MS;

async function measureRate(pairs: Pairs, rate: number, pids: ReadonlyMap<string, number>): Promise<Step> {
  const runs: Run[] = [];
  for (let i = 0; i < RUNS; i += 1) {
    const { result, cpu } = await cpuPer1000(
      pids,
      async () => pairs.talk(rate, TALK_MS),
      ({ sent }) => sent,
    );
    runs.push({ ...result, cpu });
  }
  const sorted = runs.toSorted((x, y) => x.receiveP99 - y.receiveP99);
  const median = sorted[Math.floor(RUNS / 2)];
  if (median === undefined) throw new Error("a rate is measured at least once");
  return {
    rate,
    complete: runs.every(({ sent, acked, received }) => acked === sent && received === sent),
    median,
    receiveP99s: sorted.map(({ receiveP99 }) => receiveP99),
  };
}

function rowOf(step: Step): string {
  const { ackP50, ackP99, receiveP50, receiveP99, cpu } = step.median;
  const { generator = 0, ...servers } = cpu;
  const cells = [
    String(step.rate),
    step.complete ? "all" : "lost",
    ...[ackP50, ackP99, receiveP50, receiveP99].map((ms) => ms.toFixed(1)),
    `${step.receiveP99s.at(0)?.toFixed(0)}-${step.receiveP99s.at(-1)?.toFixed(0)}`,
    Object.values(servers)
      .reduce((sum, seconds) => sum + seconds, 0)
      .toFixed(3),
  ];
  const parts = Object.entries({ ...servers, generator }).map(
    ([name, seconds]) => `${name} ${seconds.toFixed(3)}`,
  );
  return `${cells.map((cell) => cell.padStart(9)).join(" ")}   ${parts.join(", ")}`;
}

const data = mkdtempSync(join(tmpdir(), "jichat-bench-"));
const stack = await Stack.plan({
  data,
  routers: 1,
  connectors: 1,
  fsync: "always",
  nats: await needNats(),
  redis: await needRedis(),
  chdbHome: await needChdb(),
  env: {
    connector: {
      MESSAGES_PER_SECOND: "100000",
      BYTES_PER_SECOND: "1073741824",
      HANDSHAKES_PER_SECOND: "100000",
    },
  },
});
try {
  say(
    `${cpus().length} cores for everything, generator too; R1, fsync always; open loop, latency from the intended time`,
  );
  say("\nencodings: one batch of 100 sends, written and read");
  const encodings = measureEncodings();
  for (const { name, bytes, batchesPerSecond } of encodings) {
    say(
      `  ${name.padEnd(28)} ${String(bytes).padStart(7)} B ${String(batchesPerSecond).padStart(7)} batches/s`,
    );
  }
  await stack.start();
  const rawEcho = await measureRawEcho(PING);
  const hello = (i: number): string =>
    JSON.stringify({ t: "hello", token: mint(stack.secrets.signingKeyFile, { sub: `e${i}` }), device: "d" });
  const echo = await measureEcho(stack.wsUrls[0] ?? "", hello, PING);
  say(
    `\necho: raw uWebSockets.js ${rawEcho}/s, connector ping and pong ${echo}/s, ratio ${(echo / rawEcho).toFixed(2)}`,
  );
  const [single, batched] = [
    await measureAppends(stack.natsUrl, 1),
    await measureAppends(stack.natsUrl, 128),
  ];
  say(`fenced appends: ${single} records/s one by one, ${batched} records/s in batches of 128`);

  say(
    `\n1-1 messages, ${PAIRS} pairs, ${RUNS} times ${TALK_MS / 1_000} s each, the median; good: everything acked and received, receive p99 under ${RECEIVE_P99_MAX_MS} ms`,
  );
  say(
    "    msg/s  received   ack p50   ack p99  recv p50  recv p99 its range   servers   CPU s per 1,000 messages",
  );
  const pairs = await Pairs.open(stack);
  const pids = new Map([
    ...stack.parts.flatMap(({ spec, pid }): [string, number][] =>
      pid === undefined ? [] : [[spec.name, pid]],
    ),
    ["generator", process.pid],
  ]);
  await pairs.talk(200, 3_000); // Conversations are made, code is warm.
  const steps: Step[] = [];
  for (const rate of RATES) {
    const step = await measureRate(pairs, rate, pids);
    steps.push(step);
    say(rowOf(step) + (isGood(step) ? "" : "   not good"));
    if (!isGood(step)) break;
  }
  pairs.close();
  const best = steps.findLast(isGood);
  const sustained = best?.rate ?? 0;
  say(
    `\nsustained: ${sustained} msg/s; of raw echo ${(sustained / rawEcho).toFixed(3)}, of raw appends in batches ${(sustained / batched).toFixed(3)}`,
  );
  const out = join(ROOT, ".data/bench");
  mkdirSync(out, { recursive: true });
  const file = join(out, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  const figures = {
    cores: cpus().length,
    node: process.version,
    encodings,
    rawEcho,
    echo,
    appends: { single, batched },
    steps,
    sustained,
  };
  writeFileSync(file, JSON.stringify(figures, undefined, 2));
  say(`written to ${file}`);
} finally {
  await stack.destroy();
  rmSync(data, { recursive: true, force: true });
}
