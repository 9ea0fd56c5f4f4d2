import assert from "node:assert/strict";
import { test } from "node:test";
import { Scene } from "../test/scene.ts";
import type { WriteFields } from "./types.ts";

test("every write has its verb, optional fields may be absent, and `kind` is sent", async () => {
  const { client, clock } = await new Scene().online();
  const group: WriteFields<"create"> = { kind: "group", name: "G", members: ["bob"] };
  const created = client.perform("create", group, "one");
  const sent = client.perform("send", { to: "bob", body: { text: "hi" } });
  await clock.pass(1_000);
  assert.equal((await created).conversation, "g_one");
  assert.equal((await sent).conversation, "d_bob");
  client.close();
});
