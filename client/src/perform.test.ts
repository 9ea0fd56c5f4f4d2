import assert from "node:assert/strict";
import { test } from "node:test";
import { Scene } from "../test/scene.ts";
import type { WriteFields } from "./types.ts";

test("any write goes by its verb: what is optional may be left out, and `kind` is said", async () => {
  const { client, clock } = await new Scene().online();
  const group: WriteFields<"create"> = { kind: "group", name: "G", members: ["bob"] };
  const created = client.perform("create", group, "one");
  const sent = client.perform("send", { to: "bob", body: { text: "hi" } });
  await clock.pass(1_000);
  assert.equal((await created).conversation, "g_one");
  assert.equal((await sent).conversation, "d_bob");
  client.close();
});
