import type { TSchema } from "typebox";
import type { KubeObject } from "../kube/object.ts";
import type { ChatClusterSpec } from "./spec.ts";
import { SPEC } from "./spec.ts";
import type { ChatClusterStatus } from "./status.ts";
import { STATUS } from "./status.ts";

const GROUP = "chat.jichat.io";
const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "ChatCluster";
const PLURAL = "chatclusters";

/** A ChatCluster as the API server returns it, with all defaults filled in. */
export interface ChatCluster {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly creationTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: ChatClusterSpec;
  readonly status?: ChatClusterStatus;
}

interface Schema {
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

/**
 * The structural schema that the API server wants. A field with a default is present in every object that is
 * read, so the types require it. A writer may leave it out, so the schema does not.
 */
function structural(schema: Schema): Schema {
  const { required, properties, items, additionalProperties, ...rest } = schema;
  const needed = required?.filter((name) => properties?.[name]?.default === undefined) ?? [];
  return {
    ...rest,
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, structural(property)]),
          ),
        }),
    ...(items === undefined ? {} : { items: structural(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: structural(additionalProperties) }),
  };
}

/** A default with the defaults inside it. Rules see it before the API server has filled those in. */
function filled(schema: Schema, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(schema.properties ?? {}).flatMap(([name, property]): [string, unknown][] => {
    const given = (value as Record<string, unknown>)[name] ?? property.default;
    return given === undefined ? [] : [[name, filled(property, given)]];
  });
  return Object.fromEntries(entries);
}

/** Removes the keys that TypeBox adds to its schemas: only JSON is kept. */
const plain = (schema: TSchema): object => structural(JSON.parse(JSON.stringify(schema)) as Schema);

const column = (name: string, type: string, jsonPath: string, description?: string) => ({
  name,
  type,
  jsonPath,
  ...(description === undefined ? {} : { description }),
});

/** The CustomResourceDefinition. `chart/templates/crd.yaml` is made from it. */
export function definition(): KubeObject & { readonly spec: object } {
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
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: {
                  type: "object",
                  // Names of Services derive from this name, and they may not be longer or contain a dot.
                  properties: {
                    name: { type: "string", maxLength: 40, pattern: "^[a-z]([-a-z0-9]*[a-z0-9])?$" },
                  },
                },
                spec: { ...plain(SPEC), default: filled(plain(SPEC), {}) },
                status: plain(STATUS),
              },
            },
          },
        },
      ],
    },
  };
}
