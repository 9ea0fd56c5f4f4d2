import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { adminToken } from "@jichat/runtime/admin.ts";
import { connectorRevision } from "../src/desired/workloads.ts";
import { Observed } from "../src/observed.ts";
import type { ConnectorAdmin } from "../src/scale/ask-connectors.ts";
import { connectorAdmin } from "../src/scale/ask-connectors.ts";
import { toldBy } from "../src/scale/read-fleet.ts";
import type { PodObject } from "../src/pod-object.ts";
import { connectorPods, inputOf } from "./input.ts";

const [POD] = connectorPods(connectorRevision(inputOf(), 1), 1) as unknown as readonly [PodObject];
const KEYS = ["k".repeat(32), "l".repeat(32)];

async function asking(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ConnectorAdmin> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return connectorAdmin(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const lookedAt = async (admin: ConnectorAdmin) => {
  const metrics = (await admin.look(new Observed([POD]))).get(POD.metadata.name);
  if (metrics === undefined) return undefined;
  const { metrics: _, ...told } = toldBy(metrics);
  return told;
};

test("a connector is asked once, reports its drain, and an older one at least its connections", async (t) => {
  const asked: (string | undefined)[] = [];
  const newer = await asking(t, ({ url }, response) => {
    asked.push(url);
    response.end('jichat_connector_sockets{otel_scope_name="jichat"} 7\njichat_connector_drain 2\n');
  });
  assert.deepEqual(await lookedAt(newer), { drain: "draining", connections: 7 });
  assert.deepEqual(asked, ["/metrics"]);
  const older = await asking(t, (_, response) => response.end("jichat_connector_sockets 41\n"));
  assert.deepEqual(await lookedAt(older), { connections: 41 });
  const odd = await asking(t, (_, response) => response.end("jichat_connector_drain 17\n"));
  assert.deepEqual(await lookedAt(odd), {});
  const ill = await asking(t, (_, response) => response.writeHead(500).end("jichat_connector_sockets 1\n"));
  assert.equal(await lookedAt(ill), undefined);
  const mute = await asking(t, ({ socket }) => socket.destroy());
  assert.equal(await lookedAt(mute), undefined, "nothing is known of it");
});

test("an order carries a key that the connector knows, and a refusal names its reason", async (t) => {
  const bodies: string[] = [];
  const admin = await asking(t, (request, response) => {
    if (request.headers.authorization !== `Bearer ${adminToken(KEYS[1] ?? "")}`) {
      response.writeHead(401).end("the cluster's admin token is needed\n");
      return;
    }
    request
      .setEncoding("utf8")
      .on("data", (text: string) => bodies.push(`${request.method} ${request.url} ${text}`));
    request.on("end", () => {
      if (request.method === "POST") response.writeHead(202).end("{}");
      else response.writeHead(409).end("this process ends\n");
    });
  });
  const order = { deadlineSeconds: 60, perSecond: 200 };
  await admin.drain(POD, order, KEYS);
  const few = { connections: 30, perSecond: 20 };
  await admin.shed(POD, few, KEYS);
  assert.deepEqual(bodies, [`POST /drain ${JSON.stringify(order)}`, `POST /shed ${JSON.stringify(few)}`]);
  await assert.rejects(admin.undrain(POD, KEYS), /^Error: 409 this process ends$/);
  await assert.rejects(admin.drain(POD, order, KEYS.slice(0, 1)), /401: it knows none of the cluster's keys/);
  const nowhere = connectorAdmin(() => undefined);
  await assert.rejects(nowhere.drain(POD, order, KEYS), /it has no address/);
});
