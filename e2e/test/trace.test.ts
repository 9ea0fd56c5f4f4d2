import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string };
      }[];
    };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, "service" | "links"> & { readonly links?: Span["links"] })[];
    }[];
  }[];
}

test(
  "one trace leads from the sender's frame over the append to the other's socket and into ClickHouse, and the ack names it",
  { timeout: 120_000 },
  async (t) => {
    const spans: Span[] = [];
    const collector = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
          const service =
            resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
          for (const { spans: some } of scopeSpans)
            for (const span of some) spans.push({ links: [], ...span, service });
        }
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
    await new Promise<void>((resolve) => {
      collector.listen(0, "127.0.0.1", resolve);
    });
    t.after(() => {
      collector.close();
    });
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const stack = await startStack(t, {
      routers: 1,
      connectors: 2,
      env: { "*": { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TRACE_RATIO: "1" } },
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

    const wanted = [
      "connector send",
      "router append",
      "router effects",
      "connector deliver",
      "storage insert",
    ];
    const ofTrace = (): Span[] =>
      spans.filter((span) => span.traceId === traceId || span.links.some((link) => link.traceId === traceId));
    for (let i = 0; i < 150 && !wanted.every((name) => ofTrace().some((span) => span.name === name)); i += 1)
      await sleep(100);
    assert.deepEqual(
      wanted.filter((name) => !ofTrace().some((span) => span.name === name)),
      [],
      JSON.stringify(ofTrace().map(({ name }) => name)),
    );

    const root = spans.find(({ name, traceId: id }) => name === "connector send" && id === traceId);
    for (const name of ["router append", "connector deliver"]) {
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
    assert.deepEqual([...new Set(ofTrace().map(({ service }) => service))].sort(), [
      "jichat-connector",
      "jichat-router",
      "jichat-storage",
    ]);
    assert.ok(!JSON.stringify(spans).includes("bob"), "no user, no conversation, no body in a span");
  },
);
