import type { Section } from "./row.ts";
import { fixed, set } from "./row.ts";

const PUSH = "the oldest entries are dropped; history keeps the messages";
const SHARE = "pushes wait; the latest message of each conversation stands for those before it";
const SHARES = "router/src/push-shares.ts";

export const CLUSTER: Section = {
  title: "The cluster",
  text: `What operators set. The bounds of queues inside the cluster, and what each does when it is full, are in the
[design](design.md) and in ARCHITECTURE.md of the repository.`,
  rows: [
    set(["sockets of one connector", "count", "closed with 4429"], "connector", "SOCKETS_MAX"),
    set(
      ["partitions; they never change", "count", "see [operations](operations.md#how-many-partitions)"],
      "connector",
      "PARTITIONS",
    ),
    set(
      ["log of one partition", "bytes", "from 90 % on `BUSY`: [a full log](operations.md#a-full-log)"],
      "connector",
      "LOG_BYTES_MAX",
    ),
    set(
      [
        "a drain of a connector; the operator sets it to `drain.deadlineSeconds`",
        "ms",
        "devices that are left are closed with 1012",
      ],
      "connector",
      "DRAIN_MS",
    ),
    set(
      [
        "devices that a connector which ends sends away in any second; the operator sets it to `drain.maxReconnectsPerSecond`",
        "count",
        "the others wait; at the end of the drain they are closed with 1012",
      ],
      "connector",
      "DRAIN_PER_SECOND",
    ),
    set(
      [
        "the wait of a connector that ends for another one, before its drain; the operator sets it to 15 s",
        "ms",
        "devices are sent away all the same, at the latest when as much of the drain is left as they need",
      ],
      "connector",
      "SUCCESSOR_WAIT_MS",
    ),
    fixed(
      ["age of an entry of the push queue", "ms", PUSH],
      "lib/protocol/src/log/streams.ts",
      "PUSH_AGE_MS",
    ),
    fixed(["the push queue", "bytes", PUSH], "lib/log/src/streams.ts", "PUSH_BYTES_MAX"),
    fixed(
      ["entries of one sender in the push queue, at once", "bytes", SHARE],
      SHARES,
      "SHARE_BYTES_AT_ONCE",
    ),
    fixed(["and then each second, from each router", "bytes", SHARE], SHARES, "SHARE_BYTES_PER_SECOND"),
    fixed(
      ["keys in `CLUSTER_KEY`", "count", "the process does not start"],
      "lib/runtime/src/process-config.ts",
      "CLUSTER_KEYS_MAX",
    ),
    fixed(
      ["a key in `CLUSTER_KEY`, at least", "characters", "the process does not start"],
      "lib/runtime/src/process-config.ts",
      "CLUSTER_KEY_LENGTH_MIN",
    ),
  ],
};
