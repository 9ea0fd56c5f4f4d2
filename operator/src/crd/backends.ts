import { Type } from "typebox";
import type { Rule } from "./kinds.ts";
import { oneOfNumbers, quantity, resources, rules, secretName } from "./kinds.ts";
import { ruleOf } from "./refusals.ts";
import { template } from "./template.ts";

const optional = Type.Optional;

const volume = Type.Object(
  {
    size: quantity("of the volume"),
    className: optional(
      Type.String({
        maxLength: 253,
        description: "StorageClass; default: the cluster's own",
      }),
    ),
  },
  {
    default: { size: "10Gi" },
    description: "the volume that holds its data",
    ...rules(ruleOf("volumeSize"), ruleOf("volumeClass")),
  },
);

interface ExternalField {
  readonly what: string;
  readonly schemes: string;
  readonly secured: string;
  readonly field: string;
  readonly more?: string | undefined;
}

/**
 * An external backend. `secured` is the URL scheme that asks for TLS, and `more` describes what else its url
 * may say.
 */
const external = ({ what, schemes, secured, field, more = "" }: ExternalField) =>
  Type.Object(
    {
      url: Type.String({
        maxLength: 1_024,
        pattern: `^(${schemes})://[^@\\s]+$`,
        description: `where ${what} is${more}; no password in it`,
      }),
      secret: optional(secretName("a Secret with `username` and `password`")),
      tls: optional(
        Type.Object(
          {
            secret: secretName(
              "a Secret with `ca.crt`, whose certificates are trusted in place of the public ones, or with `tls.crt` and `tls.key`, which are shown to the server, or with both, as cert-manager writes it",
            ),
          },
          { description: "a CA of your own, and a client certificate (mTLS)" },
        ),
      ),
    },
    {
      description: `a ${what} of yours`,
      ...rules({
        rule: `!has(self.tls) || self.url.startsWith('${secured}://')`,
        message: `${field}.external.tls is set, and ${field}.external.url does not ask for TLS: begin the url with ${secured}://, or leave tls out`,
      }),
    },
  );

const exactlyOne = (field: string, names: readonly string[], ...more: readonly Rule[]) =>
  rules(
    {
      rule: `[${names.map((name) => `has(self.${name})`).join(", ")}].filter(x, x).size() == 1`,
      message: `${field} needs exactly one of ${names.join(", ")}: \`external\` for one of yours, \`managed\` for one that is run for you`,
    },
    ...more,
  );

const image = (name: string) =>
  Type.String({ default: name, maxLength: 512, minLength: 1, description: "its image" });

export const nats = Type.Object(
  {
    external: optional(
      external({
        what: "NATS with JetStream",
        schemes: "nats|tls",
        secured: "tls",
        field: "nats",
        more: "; several servers of one cluster are separated by commas",
      }),
    ),
    managed: optional(
      Type.Object({
        replicas: oneOfNumbers([1, 3], {
          default: 3,
          description: "servers; three survive the loss of one",
          ...rules(ruleOf("natsServers")),
        }),
        storage: volume,
        resources: optional(resources),
        template: optional(template),
        image: image("nats:2.15-alpine"),
      }),
    ),
  },
  {
    default: { managed: {} },
    description: "the log",
    ...exactlyOne("nats", ["external", "managed"], ruleOf("nats")),
  },
);

export const redis = Type.Object(
  {
    external: optional(external({ what: "Redis", schemes: "rediss?", secured: "rediss", field: "redis" })),
    managed: optional(
      Type.Object({
        resources: optional(resources),
        template: optional(template),
        image: image("redis:7-alpine"),
      }),
    ),
  },
  {
    default: { managed: {} },
    description: "who is online where: a cache",
    ...exactlyOne("redis", ["external", "managed"]),
  },
);

export const clickhouse = Type.Object(
  {
    external: optional(
      external({ what: "ClickHouse", schemes: "https?", secured: "https", field: "clickhouse" }),
    ),
    managed: optional(
      Type.Object({
        storage: volume,
        resources: optional(resources),
        template: optional(template),
        image: image("clickhouse/clickhouse-server:26.3-alpine"),
      }),
    ),
    embedded: optional(
      Type.Object(
        { storage: volume },
        { description: "the engine inside the one storage pod: to try it out" },
      ),
    ),
  },
  {
    default: { managed: {} },
    description: "history",
    ...exactlyOne("clickhouse", ["external", "managed", "embedded"], ruleOf("clickhouse")),
  },
);
