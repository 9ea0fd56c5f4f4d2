import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const CONVERSATIONS = 12;
/** Longer than any timer that a cluster with nothing to do might have for it. */
const QUIET_MS = 6_000;
const LEVEL_MS = 10_000;

async function flushAll(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.write("FLUSHALL\r\n");
  const [reply] = (await once(socket, "data")) as [Buffer];
  assert.equal(reply.toString(), "+OK\r\n");
  socket.destroy();
}

test("online devices get new messages after FLUSHALL on a quiet cluster, and every list becomes complete", async (t) => {
  const stack = await startStack(t, { routers: 2, connectors: 2 });
  const arrive = async (user: string, at: number, device = "phone"): Promise<Raw> => {
    const socket = new Raw(stack.wsUrls[at] ?? "");
    t.after(() => {
      socket.close();
    });
    assert.equal(
      (await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }), device)).t,
      "welcome",
    );
    return socket;
  };
  const [ann, bob] = [await arrive("ann", 0), await arrive("bob", 1)];
  for (let i = 0; i < CONVERSATIONS; i += 1)
    await ann.ask({ t: "send", id: `a${i}`, to: i === 0 ? "bob" : `friend-${i}`, body: {} });
  assert.equal((await ann.ask({ t: "sync", id: "before" })).t, "synced");
  await sleep(QUIET_MS);

  await flushAll(stack.redisPort);
  let asked = 0;
  const listOf = async (socket: Raw): Promise<unknown[]> => {
    asked += 1;
    const reply = await socket.ask({ t: "sync", id: `s${asked}` });
    return reply.t === "synced" ? (reply["conversations"] as unknown[]) : [];
  };
  const since = performance.now();
  const isWhole = async (socket: Raw, count: number): Promise<boolean> =>
    (await listOf(socket)).length === count;
  await until("ann's list", LEVEL_MS, async () => isWhole(ann, CONVERSATIONS));
  await until("the list of one who comes", LEVEL_MS, async () =>
    isWhole(await arrive("bob", 0, "laptop"), 1),
  );
  // What was said before its connector registered it again it is told by this.
  await bob.hear(({ t: kind, conversation }) => kind === "gap" && conversation === undefined);
  t.diagnostic(`level after ${(performance.now() - since).toFixed(0)} ms`);
  await ann.ask({ t: "send", id: "live", to: "bob", body: {} });
  await bob.hear(({ t: kind, id }) => kind === "event" && id === "live", LEVEL_MS);
});
