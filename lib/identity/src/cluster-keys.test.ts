import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { adminToken, startAdmin } from "@jichat/runtime/admin.ts";
import { CurrentClusterKeys } from "./cluster-keys.ts";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import { clusterKeysOf, readProcessConfig } from "@jichat/runtime/process-config.ts";

const key = (letter: string): string => letter.repeat(32);

test("a file has one key a line, the newest first, and an error about keys never shows one", () => {
  assert.deepEqual(clusterKeysOf(`${key("a")}\n${key("b")}\r\n\n`), [key("a"), key("b")]);
  const many = (count: number): string => Array.from({ length: count }, () => key("c")).join("\n");
  assert.equal(clusterKeysOf(many(128)).length, 128);
  for (const wrong of ["", " \n ", `${key("a")}\nshort`, key("a").slice(1), many(129)])
    assert.throws(() => clusterKeysOf(wrong), { message: /key/ });
  const reader = new EnvReader({ CLUSTER_KEY: `${key("a")}\nsecret-and-short` });
  readProcessConfig(reader, "api");
  assert.throws(
    () => {
      reader.finish();
    },
    ({ message }: Error) => /CLUSTER_KEY: key 2 is shorter than 32/.test(message) && !/secret/.test(message),
  );
});

test("the admin port accepts the token of every present key, and of no removed one", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-cluster-key-"));
  const file = join(folder, "cluster-key");
  writeFileSync(file, key("a"));
  const taken: string[] = [];
  const keys = new CurrentClusterKeys({ clusterKeys: [key("x")], clusterKeysFile: file }, ([first]) =>
    taken.push(first),
  );
  const telemetry = { log: pino({ level: "silent" }), scrape: async () => "" };
  const config = { adminPort: 0, adminHost: "127.0.0.1", clusterKeys: [key("x")] };
  let drains = 0;
  const admin = await startAdmin(config, telemetry, {
    notReady: () => undefined,
    drain: {
      order: () => {
        drains += 1;
      },
      cancel: () => undefined,
      report: () => "",
    },
    clusterKeys: () => keys.all,
  });
  t.after(() => {
    admin.stop();
    rmSync(folder, { recursive: true });
  });
  const drain = async (letter: string): Promise<number> => {
    const authorization = `Bearer ${adminToken(key(letter))}`;
    const url = `http://127.0.0.1:${admin.port}/drain`;
    return (await fetch(url, { method: "POST", headers: { authorization } })).status;
  };
  assert.deepEqual([await drain("x"), await drain("a"), await drain("b")], [401, 202, 401]);
  await keys.reread[0]?.take([`${key("b")}\n${key("a")}`]);
  assert.deepEqual([await drain("a"), await drain("b")], [202, 202]);
  await keys.reread[0]?.take([key("b")]);
  assert.deepEqual([await drain("a"), await drain("b")], [401, 202]);
  assert.deepEqual([taken, drains], [[key("b"), key("b")], 4]);
});
