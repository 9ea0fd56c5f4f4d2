import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { callRest } from "@jichat/client/rest.ts";
import type { ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../src/mint.ts";
import { startStack } from "../src/scene.ts";

const FLUSH_MS = 100;

test(
  "each verb has the same effect over REST as on the socket; pins and mutes survive a cold owner and a lost Redis",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: { storage: { FLUSH_MS: String(FLUSH_MS) } },
    });
    const tokenOf = (sub: string): string => mint(stack.secrets.signingKeyFile, { sub });
    const open = async (user: string): Promise<ChatClient> => {
      const client = new ChatClient({
        urls: stack.wsUrls,
        device: "phone",
        token: async () => tokenOf(user),
      });
      t.after(() => {
        client.close();
      });
      await client.connect();
      return client;
    };
    const [ann, bob] = [await open("ann"), await open("bob")];
    const { conversation } = await ann.createGroup("us", ["bob"]);
    const rest = async (method: string, path: string, body?: object): Promise<{ seq: number }> =>
      callRest(method, `/v1/conversations/${conversation}${path}`, {
        api: stack.apiUrl,
        token: tokenOf("ann"),
        ...(body === undefined ? {} : { body }),
      });

    const first = await ann.send({ conversation }, { text: "one" });
    const second = await rest("POST", "/messages", { id: "two", body: { text: "two" } });
    await rest("PUT", `/messages/${second.seq}`, { id: "edit", body: { text: "two, mended" } });
    await rest("PUT", `/messages/${first.seq}/pin`, { id: "pin" });
    await bob.perform("pin", { conversation, seq: second.seq });
    await rest("POST", "/members", { id: "invite", users: ["cy"] });
    await rest("PATCH", "", { id: "rename", name: "all of us" });
    await rest("POST", "/members/remove", { id: "remove", users: ["cy"] });
    await rest("PUT", "/read", { seq: second.seq });

    const listedTo = async (client: ChatClient): Promise<ListedConversation> => {
      const { conversations } = await client.list();
      const found = conversations.find((one) => one.conversation === conversation);
      assert.ok(found !== undefined && "head" in found);
      return found;
    };
    const pinsOf = async (client: ChatClient): Promise<unknown> => (await listedTo(client)).pins;
    const mutedOf = async (client: ChatClient): Promise<unknown> => (await listedTo(client)).muted;
    const muted = { until: Date.now() + 3_600_000, mentionsOnly: true };
    const isShown = async (): Promise<boolean> =>
      JSON.stringify([await mutedOf(ann), await mutedOf(bob)]) === JSON.stringify([muted, {}]);
    await rest("PUT", "/mute", { id: "mute", ...muted });
    await bob.mute(conversation);
    await until("each is shown their own mute", 5_000, isShown);
    const page = await bob.pull(conversation);
    assert.deepEqual(
      page.events.map(({ kind }) => kind),
      ["created", "message", "message", "edited", "pinned", "pinned", "joined", "renamed", "left"],
    );
    assert.equal((await listedTo(ann)).name, "all of us");
    const both = [first.seq, second.seq];
    const arePinned = async (): Promise<boolean> =>
      JSON.stringify(await pinsOf(bob)) === JSON.stringify(both);
    await until("both pins are listed", 5_000, arePinned);

    // A new owner has no snapshot of it, and what Redis knew is gone: only ClickHouse is left.
    await new Promise((resolve) => setTimeout(resolve, 10 * FLUSH_MS));
    for (const part of [stack.redis, ...stack.routers]) {
      await part?.kill();
      part?.start();
    }
    for (const router of stack.routers) await router.ready(20_000);
    await until("the pins are listed from ClickHouse", 30_000, async () => arePinned().catch(() => false));
    await until("so are the mutes", 10_000, async () => isShown().catch(() => false));
    await rest("DELETE", "/mute?id=unmute");
    await bob.unmute(conversation);
    await until("nothing is muted", 5_000, async () =>
      [await mutedOf(ann), await mutedOf(bob)].every((muted) => muted === undefined),
    );
    await assert.rejects(rest("PUT", "/mute", { id: "past", until: 1 }), /`until` is not in the future/);
    await ann.recall(conversation, first.seq);
    await until(
      "a recall unpins",
      5_000,
      async () => JSON.stringify(await pinsOf(bob)) === `[${second.seq}]`,
    );
    await rest("DELETE", `/messages/${second.seq}/pin?id=unpin`);
    await until("nothing is pinned", 5_000, async () => (await pinsOf(bob)) === undefined);
    await rest("POST", "/leave", { id: "leave" });
    await assert.rejects(rest("POST", "/messages", { id: "late", body: {} }), /NOT_FOUND|does not exist/);
  },
);
