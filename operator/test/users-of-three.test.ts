import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { until } from "@jichat/testkit/until.ts";
import { bringUsers } from "../src/ask-users.ts";
import type { Keys } from "../src/desired/keys.ts";
import { keysFor } from "../src/desired/rotation.ts";
import type { DesiredInput } from "../src/desired/desired-input.ts";
import type { UsersSeen } from "../src/plan.ts";
import { KEYS, inputOf } from "./input.ts";
import { ThreeServers } from "./three-servers.ts";

test("each of three nats-servers reads its users, and one that has not or is gone is named", async (t) => {
  const external = { external: { url: "redis://127.0.0.1:1" } };
  const of = (keys: Keys): DesiredInput =>
    inputOf(
      {
        partitions: 1,
        nats: { managed: { replicas: 3 } },
        redis: external,
        clickhouse: { embedded: { storage: { size: "1Gi" } } },
      },
      { keys },
    );
  const servers = await ThreeServers.start(of(KEYS));
  t.after(async () => servers.stop());
  const bring = async (keys: Keys, at = 0): Promise<UsersSeen> =>
    bringUsers(of(keys), {
      askClickHouse: async () => assert.fail("there is none"),
      doors: (_, user) => servers.door(keys, user, at),
    });
  await until("all three know each other", 20_000, async () => (await bring(KEYS)).state === "taken");

  const offered = keysFor(KEYS, "now", { lives: KEYS.lives, now: 0 });
  servers.configure(of(offered), 0);
  servers.configure(of(offered), 2);
  // A server tells of what it has read a moment behind its answer: the operator looks again.
  const tells = async (at: number, wanted: UsersSeen): Promise<void> => {
    await until(`${wanted.state}: ${wanted.message}`, 10_000, async () =>
      isDeepStrictEqual(await bring(offered, at), wanted),
    );
  };
  await tells(1, { state: "late", message: "NATS: chat-nats-1 has not read its users yet" });
  servers.configure(of(offered), 1);
  await tells(2, { state: "taken", message: "" });
  await servers.parts[2]?.stop(5_000);
  await tells(1, { state: "late", message: "NATS: 2 of 3 servers answer" });
});
