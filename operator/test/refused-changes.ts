interface RefusedChange {
  readonly name: string;
  /** What takes the place of the same fields of an empty spec with 4 partitions. */
  readonly change: object;
  readonly says: RegExp;
}

const managed = (more: object): object => ({ managed: { replicas: 3, storage: { size: "10Gi" }, ...more } });

/** One per change that would lose data; what is refused by the operator alone is of the same rules. */
export const REFUSED_CHANGES: readonly RefusedChange[] = [
  { name: "more partitions", change: { partitions: 8 }, says: /partitions cannot change/ },
  {
    name: "one NATS server of three",
    change: { nats: managed({ replicas: 1 }), durability: { replicas: 1 } },
    says: /nats\.managed\.replicas cannot change.*Set it back/,
  },
  {
    name: "NATS from managed to external",
    change: { nats: { external: { url: "nats://a:4222" } } },
    says: /nats cannot move/,
  },
  {
    name: "ClickHouse from managed to external",
    change: { clickhouse: { external: { url: "http://a:8123" } } },
    says: /clickhouse cannot move/,
  },
  {
    name: "ClickHouse from managed to embedded",
    change: { clickhouse: { embedded: {} }, storage: { replicas: 1 } },
    says: /clickhouse cannot move/,
  },
  {
    name: "a volume of NATS that shrinks",
    change: { nats: managed({ storage: { size: "9Gi" } }) },
    says: /a volume cannot shrink.*storage\.size/,
  },
  {
    name: "a volume of ClickHouse that shrinks",
    change: { clickhouse: { managed: { storage: { size: 1_000_000_000 } } } },
    says: /a volume cannot shrink/,
  },
  {
    name: "a volume that moves to another class",
    change: { clickhouse: { managed: { storage: { size: "10Gi", className: "fast" } } } },
    says: /storage\.className cannot change/,
  },
];
