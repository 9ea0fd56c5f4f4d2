import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { needChdb } from "@jichat/testkit/needs.ts";

export interface Fronted {
  /** Options for `startStack`: ClickHouse is a separate server, run by `clickhouse-front.ts`. */
  readonly options: Pick<ThrowawayOptions, "clickhouseUrl" | "onPlanned">;
  /** Inserts are refused for `ms` from now on, as by a server whose disk is full. */
  readonly refuse: (ms: number) => Promise<void>;
}

/** Starts a ClickHouse that can be told to refuse inserts. It ends with the test. */
export async function fronted(t: TestContext): Promise<Fronted> {
  const chdbHome = await needChdb();
  const [port = 0] = await freePorts(1);
  const clickhouseUrl = `http://127.0.0.1:${port}`;
  return {
    options: {
      clickhouseUrl,
      onPlanned: async ({ options: { data } }) => {
        mkdirSync(join(data, "front"));
        const front = new Part({
          name: "clickhouse",
          program: process.execPath,
          args: [join(import.meta.dirname, "clickhouse-front.ts")],
          env: { PORT: String(port), CHDB_HOME: chdbHome, CLICKHOUSE_EMBEDDED_PATH: join(data, "front") },
          logFile: join(data, "logs/clickhouse.log"),
          port,
        });
        t.after(async () => front.kill());
        front.start();
        await front.ready(20_000);
      },
    },
    refuse: async (ms) => {
      assert.ok((await fetch(`${clickhouseUrl}/refuse?ms=${ms}`)).ok);
    },
  };
}
