import assert from "node:assert/strict";
import { test } from "node:test";
import { LABELS } from "./desired/names.ts";
import { endpointsOf } from "./endpoints.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { inputOf } from "../test/input.ts";

const service = (name: string, spec: object, ingress: readonly object[] = []): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "people" },
    spec,
    status: { loadBalancer: { ingress } },
  }) as KubeObject;
const pod = (name: string, hostIP: string, phase = "Running"): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "people", labels: { [LABELS.component]: "connector" } },
    status: { phase, hostIP },
  }) as KubeObject;
const INSIDE = "ws://chat-connector.people.svc/v1/ws";

test("endpoints inside the cluster name the Services, with their port if it is not the scheme's", () => {
  assert.deepEqual(endpointsOf(inputOf(), new Observed([])), {
    ws: [INSIDE],
    api: ["http://chat-api.people.svc"],
  });
  const spec = {
    connectors: { service: { port: 8443 }, tls: { secret: "t" } },
    api: { service: { port: 81 } },
  };
  assert.deepEqual(endpointsOf(inputOf(spec), new Observed([])), {
    ws: ["wss://chat-connector.people.svc:8443/v1/ws"],
    api: ["http://chat-api.people.svc:81"],
  });
});

test("an outside name comes first, for sockets and for the api", () => {
  const ingress = { host: "chat.example", tlsSecret: "t" };
  const { ws, api } = endpointsOf(inputOf({ connectors: { ingress } }), new Observed([]));
  assert.deepEqual([ws[0], api[0]], ["wss://chat.example/v1/ws", "https://chat.example"]);
});

test("a balancer is listed with all its addresses, IPv6 in brackets, and not before it has one", () => {
  const balancer = (ingress: readonly object[]) =>
    endpointsOf(
      inputOf(),
      new Observed([service("chat-connector", { type: "LoadBalancer", ports: [{ port: 80 }] }, ingress)]),
    ).ws;
  assert.deepEqual(balancer([]), [INSIDE]);
  assert.deepEqual(balancer([{ hostname: "lb.example", ip: "192.0.2.1" }, { ip: "2001:db8::1" }]), [
    "ws://lb.example/v1/ws",
    "ws://[2001:db8::1]/v1/ws",
    INSIDE,
  ]);
});

test("a NodePort is listed with at most three nodes that connectors run on, always the same ones", () => {
  const nodePort = service("chat-connector", { type: "NodePort", ports: [{ port: 80, nodePort: 30_080 }] });
  const nodes = ["10.0.0.4", "10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.1"];
  const pods = nodes.map((ip, at) => pod(`p${at}`, ip));
  const { ws } = endpointsOf(inputOf(), new Observed([nodePort, ...pods, pod("gone", "10.0.0.0", "Failed")]));
  assert.deepEqual(ws, [...[1, 2, 3].map((node) => `ws://10.0.0.${node}:30080/v1/ws`), INSIDE]);
});
