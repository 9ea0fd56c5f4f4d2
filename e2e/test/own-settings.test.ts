import assert from "node:assert/strict";
import { test } from "node:test";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { startStack } from "../src/scene.ts";

const isSettings = ({ t }: Frame): boolean => t === "settings";

test(
  "a mute reaches all of the user's devices, on any connector, in any encoding and by sync, and nobody else",
  { timeout: 120_000 },
  async (t) => {
    const stack = await startStack(t);
    const arrive = async (user: string, device: string, at: number, codec: string): Promise<Raw> => {
      const socket = new Raw(stack.wsUrls[at % stack.wsUrls.length] ?? "", [`jichat.v1.${codec}`]);
      t.after(() => {
        socket.close();
      });
      const token = mint(stack.secrets.signingKeyFile, { sub: user });
      assert.equal((await socket.hello(token, device, { echo: true })).t, "welcome");
      return socket;
    };
    const [phone, laptop, tablet, bob] = await Promise.all([
      arrive("ann", "phone", 0, "json"),
      arrive("ann", "laptop", 0, "msgpack"),
      arrive("ann", "tablet", 1, "msgpack"),
      arrive("bob", "phone", 1, "json"),
    ]);
    const first = await laptop.ask({ t: "sync", id: "first" });
    const sent = await bob.ask({ t: "send", id: "m", to: "ann", body: {} });
    const [conversation, head] = [String(sent["conversation"]), Number(sent["seq"])];

    const until = Date.now() + 3_600_000;
    const muted = { until, mentionsOnly: true };
    const ack = await phone.ask({ t: "mute", id: "1", conversation, ...muted });
    assert.deepEqual([ack.t, ack["seq"], ack["duplicate"]], ["ack", head, undefined]);
    for (const socket of [phone, laptop, tablet]) {
      const { at, ...told } = await socket.hear(isSettings);
      assert.deepEqual(told, { t: "settings", conversation, muted });
      assert.ok(Number(at) > 0);
    }
    const again = await phone.ask({ t: "mute", id: "1", conversation, ...muted });
    assert.deepEqual([again["seq"], again["duplicate"]], [head, true]);

    const synced = await laptop.ask({ t: "sync", id: "again", since: first["cursor"] });
    const [listed] = synced["conversations"] as { conversation: string; muted?: unknown }[];
    assert.deepEqual([listed?.conversation, listed?.muted], [conversation, muted]);
    const bobs = await bob.ask({ t: "sync", id: "bob" });
    assert.deepEqual(
      (bobs["conversations"] as { muted?: unknown }[]).map((one) => one.muted),
      [undefined],
    );

    const past = await phone.ask({ t: "mute", id: "2", conversation, until: Date.now() - 60_000 });
    assert.deepEqual([past.t, past["code"]], ["error", "CONFLICT"]);
    await tablet.ask({ t: "unmute", id: "3", conversation });
    // Behind the settings: by then whoever was to hear of them has.
    await bob.ask({ t: "send", id: "last", to: "ann", body: {} });
    for (const socket of [phone, laptop, tablet])
      await socket.hear(({ t: kind, seq }) => kind === "event" && seq === head + 1);
    const told = (socket: Raw): unknown[] => socket.frames.filter(isSettings).map((frame) => frame["muted"]);
    const both = [muted, undefined];
    assert.deepEqual([phone, laptop, tablet, bob].map(told), [both, both, both, []]);
  },
);
