import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { connectClickHouse } from "@jichat/storage/clickhouse.ts";
import { ColdRows } from "@jichat/storage/cold-rows.ts";
import type { Store } from "@jichat/storage/store.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needChdb } from "@jichat/testkit/needs.ts";
import type { Figure, Row } from "../figure.ts";
import { median, shareOf, thrice } from "../figure.ts";
import { generate } from "../generate.ts";
import type { Lab } from "../lab.ts";
import { withLab } from "../lab.ts";

const ASK = { messages: 600, hotPages: 150, coldPages: 150 };
const LIMIT = 50;
const ROWS = 10_000_000;
const FILL_BATCHES = 10;
const ms = (value: number): string => `${value.toFixed(1)} ms`;

/** A cluster whose ClickHouse is a separate process, so that the benchmark can query it too. */
async function withClickHouse<T>(act: (lab: Lab, store: Store) => Promise<T>): Promise<T> {
  const chdbHome = await needChdb();
  const [port = 0] = await freePorts(1);
  const clickhouseUrl = `http://127.0.0.1:${port}`;
  const fronts: Part[] = [];
  const start = async (data: string): Promise<void> => {
    mkdirSync(join(data, "front"));
    const front = new Part({
      name: "clickhouse",
      program: process.execPath,
      args: [join(ROOT, "e2e/src/clickhouse-front.ts")],
      env: { PORT: String(port), CHDB_HOME: chdbHome, CLICKHOUSE_EMBEDDED_PATH: join(data, "front") },
      logFile: join(data, "logs/clickhouse.log"),
      port,
    });
    fronts.push(front);
    front.start();
    await front.ready(20_000);
  };
  try {
    return await withLab(
      { clickhouseUrl, onPlanned: async ({ options: { data } }) => start(data) },
      async (lab) => {
        return act(lab, await connectClickHouse({ clickhouseUrl }, namesOf("jichat").database));
      },
    );
  } finally {
    await Promise.all(fronts.map(async (front) => front.kill()));
  }
}

/** Runs only the statements of a cold page, and returns the median duration over as many pages. */
async function sameSql(store: Store, conversation: string): Promise<number> {
  const cold = new ColdRows(store);
  const took: number[] = [];
  for (let at = 0; at < ASK.coldPages; at += 1) {
    const last = LIMIT + 1 + ((at * 37) % (ASK.messages / 3));
    const started = performance.now();
    await cold.outlines.of(conversation);
    const events = await cold.pages.events(conversation, last - LIMIT + 1, last);
    await cold.pages.changes(
      conversation,
      events.map(({ seq }) => seq),
      last,
    );
    took.push(performance.now() - started);
  }
  return median(took);
}

/** The number of pages that storage has read from ClickHouse so far. */
async function askedPages({ stack }: Lab): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${stack.storage.spec.adminPort ?? 0}/metrics`)).text();
  return Number(/jichat_storage_pages_total\{[^}]*from="clickhouse"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** Inserts ten million events of conversations that nobody reads. */
async function fill(store: Store): Promise<void> {
  for (let batch = 0; batch < FILL_BATCHES; batch += 1) {
    const from = (batch * ROWS) / FILL_BATCHES;
    await store.command(
      `INSERT INTO {db}.events (conversation, seq, no, kind, sender, id, ts, body, reply_to, mentions, target, users, name,
         partition, position, digest)
       SELECT concat('g_', lower(hex(MD5(toString(number % 100000))))), 10 + intDiv(number, 100000),
         10 + intDiv(number, 100000), 'message', 'filler', toString(number), 1700000000000 + number,
         concat('{"text":"', repeat('y', 100), '"}'), 0, [], 0, [], '', 0, number, 0
       FROM numbers(${from}, ${ROWS / FILL_BATCHES})`,
    );
  }
}

async function measure(lab: Lab, store: Store): Promise<readonly Row[]> {
  const runs = await thrice(async () => {
    const { hot, cold, conversation } = await generate("pages", { door: lab.door, ...ASK });
    return { hot: hot.p50, cold: cold.p50, sql: await sameSql(store, conversation) };
  });
  const before = await askedPages(lab);
  await generate("pages", { ...ASK, door: lab.door, coldPages: 0 });
  const asked = (await askedPages(lab)) - before;
  const ratios = runs.map(({ cold, sql }) => cold / sql);
  const few = median(runs.map(({ cold }) => cold));
  await fill(store);
  const after = await thrice(async () => (await generate("pages", { door: lab.door, ...ASK })).cold.p50);
  const percent = 100 * (median(after) / few - 1);
  return [
    {
      what: "history page of 50, hot",
      target: "no ClickHouse query",
      measured: asked <= 1 ? "none" : `${asked} queries`,
      share: asked <= 1 ? 1 : 0,
      runs: runs.map((run) => run.hot),
      beside: `p50 ${ms(median(runs.map((run) => run.hot)))}; ${ASK.hotPages} pages asked ${asked} times, the first reader's`,
    },
    {
      what: "history page of 50, cold",
      target: "≤ 1.5 × the same SQL",
      measured: `${median(ratios).toFixed(2)} ×`,
      share: shareOf(median(ratios), "≤", 1.5),
      runs: ratios,
      beside: `p50 ${ms(few)}, the same statements alone ${ms(median(runs.map(({ sql }) => sql)))}`,
    },
    {
      what: "growth: 1 → 10 million rows",
      target: "page time grows by ≤ 20 %",
      measured: `${percent >= 0 ? "+" : "−"}${Math.abs(percent).toFixed(0)} %`,
      share: percent <= 0 ? 4 : shareOf(percent, "≤", 20),
      runs: after,
      beside: `cold page of 50, p50 ${ms(few)}, then ${ms(median(after))}`,
    },
  ];
}

export const history: Figure = {
  name: "history",
  what: "pages of history, hot and cold, with few rows and with ten million",
  measure: async () => withClickHouse(measure),
};
