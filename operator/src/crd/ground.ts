import type { Static } from "typebox";
import { Type } from "typebox";
import { word } from "./kinds.ts";

const optional = Type.Optional;

const volume = {
  size: optional(Type.String({ maxLength: 64, description: "of its volume" })),
  className: optional(Type.String({ maxLength: 253, description: "StorageClass of its volume" })),
};

/** The ground of a ChatCluster's data, as it was last accepted. Every change is compared with it. */
export const GROUND = Type.Object(
  {
    partitions: Type.Integer({ minimum: 1 }),
    nats: Type.Object({
      kind: word(["managed", "external"]),
      servers: optional(Type.Integer({ minimum: 1 })),
      ...volume,
    }),
    clickhouse: Type.Object({ kind: word(["managed", "external", "embedded"]), ...volume }),
  },
  {
    description:
      "the fields that the data depends on, as they were accepted last; changes are checked against them",
  },
);

export type Ground = Static<typeof GROUND>;
