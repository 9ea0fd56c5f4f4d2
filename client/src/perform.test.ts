import assert from "node:assert/strict";
import { test } from "node:test";
import { Scene } from "../test/scene.ts";
import type { WriteFields } from "./types.ts";
import { VERB_FIELDS } from "./verb-fields.ts";

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

test("a write without one of its fields, or of a verb that is none, is refused here, by name", async () => {
  const { client, server } = await new Scene().online();
  const anything = (value: unknown): never => value as never;
  for (const [verb, { required }] of Object.entries(VERB_FIELDS))
    for (const missing of required) {
      const others = Object.fromEntries(
        required.filter((name) => name !== missing).map((name) => [name, "x"]),
      );
      await assert.rejects(client.perform(anything(verb), anything(others)), {
        code: "FRAME_MALFORMED",
        message: `a ${verb} needs \`${missing}\``,
      });
    }
  for (const verb of ["dance", "constructor", "hello", "sync"])
    await assert.rejects(client.perform(anything(verb), anything({})), {
      code: "FRAME_UNKNOWN",
      message: `there is no verb "${verb}"`,
    });
  assert.deepEqual([client.unacked, server.violations], [0, []]);
  client.close();
});
