import assert from "node:assert/strict";
import type { Chat } from "./chat.ts";

/** A change that the API server refuses, with the expected message. */
export interface RefusedChange {
  readonly patch: object;
  readonly says: RegExp;
}

const elsewhereOf = (backend: "nats" | "redis" | "clickhouse", more: object): object => ({
  [backend]: { managed: null, ...more },
});

/** Refused changes to a ChatCluster with managed backends and a single-stack address. */
export const REFUSED: readonly RefusedChange[] = [
  { patch: { partitions: 16 }, says: /partitions cannot change/ },
  {
    patch: { nats: { managed: { replicas: 3 } } },
    says: /nats\.managed\.replicas cannot change.*Set it back/,
  },
  {
    patch: { nats: { managed: { storage: { size: "1Gi" } } } },
    says: /a volume cannot shrink.*Set storage\.size back/,
  },
  { patch: { nats: { managed: { storage: { className: "another" } } } }, says: /className cannot change/ },
  { patch: elsewhereOf("nats", { external: { url: "nats://a:4222" } }), says: /nats cannot move/ },
  {
    patch: { clickhouse: { managed: { storage: { size: 1_000_000_000 } } } },
    says: /a volume cannot shrink/,
  },
  {
    patch: { clickhouse: { managed: { storage: { className: "other" } } } },
    says: /className cannot change/,
  },
  {
    patch: elsewhereOf("clickhouse", { external: { url: "http://a:8123" } }),
    says: /clickhouse cannot move/,
  },
  {
    patch: elsewhereOf("clickhouse", { embedded: { storage: { size: "9Gi" } } }),
    says: /clickhouse cannot move/,
  },
  { patch: { network: { ipFamilies: ["IPv6"] } }, says: /ipFamilies cannot begin with another family/ },
];

/**
 * A hibernating ChatCluster with an external log, an embedded history and load balancers: forms that the
 * other one cannot have.
 */
const balancer = { type: "LoadBalancer", loadBalancerClass: "example.com/one" };
export const SLEEPING = {
  hibernate: true,
  storage: { replicas: 1 },
  connectors: { service: balancer },
  api: { service: balancer },
  nats: { external: { url: "nats://nowhere.invalid:4222" } },
  clickhouse: { embedded: { storage: { size: "2Gi", className: "one" } } },
};
const other = { service: { loadBalancerClass: "example.com/another" } };
export const REFUSED_SLEEPING: readonly RefusedChange[] = [
  { patch: { nats: { external: null, managed: {} } }, says: /nats cannot move/ },
  { patch: { clickhouse: { embedded: { storage: { size: "1Gi" } } } }, says: /a volume cannot shrink/ },
  { patch: { clickhouse: { embedded: { storage: { className: "two" } } } }, says: /className cannot change/ },
  { patch: { clickhouse: { embedded: null, managed: {} } }, says: /clickhouse cannot move/ },
  { patch: { connectors: other }, says: /connectors\.service\.loadBalancerClass cannot change while/ },
  { patch: { api: other }, says: /api\.service\.loadBalancerClass cannot change while/ },
];

/** Checks that the API server refuses a change, and that the spec stays the same. */
export async function isRefused(chat: Chat, { patch, says }: RefusedChange): Promise<void> {
  const before = await chat.read();
  await assert.rejects(chat.patch(patch), says);
  assert.deepEqual((await chat.read()).spec, before.spec);
}
