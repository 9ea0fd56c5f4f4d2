import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { mint } from "@jichat/e2e/mint.ts";
import { ROOT } from "@jichat/tools/cache.ts";
import { Stack } from "@jichat/tools/local/stack.ts";
import { needChdb, needNats, needRedis } from "@jichat/tools/needs.ts";
import { measureAppends } from "./append.ts";
import { measureEcho, measureRawEcho } from "./echo.ts";
import { measureEncodings } from "./encodings.ts";
import type { TalkFigures } from "./talk.ts";
import { PAIRS, Pairs } from "./talk.ts";

const RATES = [1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000];
const TALK_MS = 10_000;
const RECEIVE_P99_MAX_MS = 250;
const PING = JSON.stringify({ t: "ping", id: "p" });

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const isGood = ({ sent, acked, received, receiveP99 }: TalkFigures): boolean =>
  acked === sent && received === sent && receiveP99 < RECEIVE_P99_MAX_MS;

const rowOf = ({
  rate,
  sent,
  acked,
  received,
  ackP50,
  ackP99,
  receiveP50,
  receiveP99,
}: TalkFigures): string =>
  [rate, sent, acked, received, ...[ackP50, ackP99, receiveP50, receiveP99].map((ms) => ms.toFixed(1))]
    .map((cell) => String(cell).padStart(8))
    .join(" ");

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
    `\n1-1 messages, ${PAIRS} pairs, ${TALK_MS / 1_000} s each; good: everything acked and received, receive p99 under ${RECEIVE_P99_MAX_MS} ms`,
  );
  say("     rate     sent    acked received  ack p50  ack p99 recv p50 recv p99");
  const pairs = await Pairs.open(stack);
  await pairs.talk(200, 3_000); // Conversations are made, code is warm.
  const talks: TalkFigures[] = [];
  for (const rate of RATES) {
    const figures = await pairs.talk(rate, TALK_MS);
    talks.push(figures);
    say(rowOf(figures) + (isGood(figures) ? "" : "   not good"));
    if (!isGood(figures)) break;
  }
  pairs.close();
  const best = talks.findLast(isGood);
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
    talks,
    sustained,
  };
  writeFileSync(file, JSON.stringify(figures, undefined, 2));
  say(`written to ${file}`);
} finally {
  await stack.destroy();
  rmSync(data, { recursive: true, force: true });
}
