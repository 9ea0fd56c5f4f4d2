import type { V1CustomResourceDefinition } from "@kubernetes/client-node";
import type { TSchema } from "typebox";
import type { ChatClusterSpec } from "./spec.ts";
import { SPEC } from "./spec.ts";
import type { ChatClusterStatus } from "./status.ts";
import { STATUS } from "./status.ts";

export const GROUP = "chat.jichat.io";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "ChatCluster";
export const PLURAL = "chatclusters";

/** A ChatCluster as the API server hands it out: defaults are filled in. */
export interface ChatCluster {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: ChatClusterSpec;
  readonly status?: ChatClusterStatus;
}

/** As plain JSON: TypeBox marks its schemas with keys of its own. */
const plain = (schema: TSchema): object => JSON.parse(JSON.stringify(schema)) as object;

const column = (name: string, type: string, jsonPath: string, description?: string) => ({
  name,
  type,
  jsonPath,
  ...(description === undefined ? {} : { description }),
});

/** The CustomResourceDefinition; `chart/templates/crd.yaml` is made of it. */
export function definition(): V1CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: {
        kind: KIND,
        plural: PLURAL,
        singular: "chatcluster",
        listKind: "ChatClusterList",
        shortNames: ["chat"],
        categories: ["jichat"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.connectors.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: [
            column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
            column("Version", "string", ".status.version"),
            column("Connectors", "integer", ".status.connectors.ready"),
            column("Connections", "integer", ".status.connections"),
            column("Age", "date", ".metadata.creationTimestamp"),
          ],
          schema: {
            openAPIV3Schema: {
              type: "object",
              description:
                "Instant messaging that Kubernetes runs: connectors, routers, storage, api, and what they stand on.",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: {
                  type: "object",
                  // Names of streams, buckets and databases derive from it.
                  properties: { name: { type: "string", maxLength: 40 } },
                },
                spec: plain(SPEC),
                status: plain(STATUS),
              },
            },
          },
        },
      ],
    },
  };
}
