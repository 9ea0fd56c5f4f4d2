import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Span } from "@jichat/testkit/observe/otlp-receiver.ts";
import { OtlpReceiver, textIn } from "@jichat/testkit/observe/otlp-receiver.ts";
import { treeOf } from "@jichat/testkit/observe/trace-tree.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../src/mint.ts";
import { PushScene } from "../src/push/push-scene.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";
import { WHOLE } from "../src/whole-trace.ts";

/** The spans of a cluster that is started with this `env`, all of them, as they come. */
async function collect(t: TestContext): Promise<{
  readonly spans: readonly Span[];
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
}> {
  const spans: Span[] = [];
  const receiver = await OtlpReceiver.start((some) => {
    spans.push(...some);
  });
  t.after(() => {
    receiver.close();
  });
  const env = { "*": { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_RATIO: "1" } };
  return { spans, env };
}

test(
  "one trace goes from the sender's frame over the append to the reader's socket and ClickHouse, and the ack names it",
  { timeout: 120_000 },
  async (t) => {
    const { spans, env } = await collect(t);
    const stack = await startStack(t, {
      routers: 1,
      connectors: 2,
      env,
    });
    const [ann, bob] = stack.wsUrls.map((url) => new Raw(url));
    assert.ok(ann !== undefined && bob !== undefined);
    t.after(() => {
      for (const socket of [ann, bob]) socket.close();
    });
    for (const [user, socket] of [
      ["ann", ann],
      ["bob", bob],
    ] as const)
      await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }));
    const ack = await ann.ask({ t: "send", id: "traced", to: "bob", body: {} });
    await bob.hear((frame) => frame.t === "event" && frame["id"] === "traced");
    const traceId = String(ack["traceId"]);

    const ofTrace = (): Span[] =>
      spans.filter((span) => span.traceId === traceId || span.links.some((link) => link.traceId === traceId));
    for (let i = 0; i < 150 && !WHOLE.every((name) => ofTrace().some((span) => span.name === name)); i += 1)
      await sleep(100);
    assert.deepEqual(
      WHOLE.filter((name) => !ofTrace().some((span) => span.name === name)),
      [],
      JSON.stringify(ofTrace().map(({ name }) => name)),
    );

    const root = spans.find(({ name, traceId: id }) => name === "connector send" && id === traceId);
    for (const name of ["router command", "router append", "connector deliver"]) {
      assert.ok(
        ofTrace().some((span) => span.name === name && span.parentSpanId === root?.spanId),
        `${name} is a child of the frame's span`,
      );
    }
    for (const name of ["router effects", "storage insert"]) {
      assert.ok(
        ofTrace().some(
          (span) => span.name === name && span.links.some(({ spanId }) => spanId === root?.spanId),
        ),
        `${name} is linked to it`,
      );
    }
    const tree = treeOf(traceId, ofTrace());
    assert.match(tree[0] ?? "", /^connector send/);
    for (const name of WHOLE.slice(1))
      assert.ok(
        tree.some((line) => line.includes(`─ ${name}`) || line.includes(`─ ⤷ ${name}`)),
        tree.join("\n"),
      );
    assert.deepEqual([...new Set(ofTrace().map(({ service }) => service))].sort(), [
      "jichat-connector",
      "jichat-router",
      "jichat-storage",
    ]);
    assert.ok(!JSON.stringify(spans).includes("bob"), "no user, no conversation, no body in a span");
  },
);

test(
  "the trace goes on to the answers of a push provider, and the provider is told of it",
  { timeout: 120_000 },
  async (t) => {
    const { spans, env } = await collect(t);
    const scene = await PushScene.start(t, {
      routers: 1,
      connectors: 1,
      env,
    });
    await scene.webhook("bob", "phone");
    scene.receiver.faults.next({ is: "answer", status: 503 });
    const ann = await scene.live("ann", "laptop", true);
    const { traceId } = await ann.send({ to: "bob" }, { text: "sesame" });
    const taken = await until("bob's phone is told", 30_000, () => scene.receiver.received[0]);
    const attempts = await until("both attempts are exported", 15_000, () => {
      const found = spans.filter((span) => span.name === "push send" && span.traceId === traceId);
      return found.length === 2 ? found : undefined;
    });
    const told = attempts
      .toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
      .map(({ attributes }) => ["outcome", "reason"].map((name) => textIn(attributes, `jichat.${name}`)));
    assert.deepEqual(
      told.map(([outcome]) => outcome),
      ["retry", "sent"],
    );
    assert.match(told[0]?.[1] ?? "", /503/);
    const root = spans.find(({ name, traceId: id }) => name === "connector send" && id === traceId);
    assert.deepEqual([...new Set(attempts.map((span) => span.parentSpanId))], [root?.spanId]);
    assert.deepEqual([...new Set(attempts.map((span) => span.service))], ["jichat-push"]);
    const last = attempts.find(({ attributes }) => textIn(attributes, "jichat.outcome") === "sent");
    assert.equal(taken.traceparent, `00-${traceId}-${last?.spanId}-01`);
    assert.ok(!/bob|sesame/.test(JSON.stringify(spans)), "no user, no conversation, no text in a span");
  },
);
