import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { FAULTS } from "@jichat/protocol/faults.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { clusterOf } from "../test/input.ts";
import { faultsOf } from "./ask-pods.ts";
import { faultFinding, mergedFaults, tellSilent } from "./faults.ts";

const fault = (name: Fault["fault"], partitions: number[], why = "w"): Fault => ({
  fault: name,
  partitions,
  why,
});

test("reports of several pods about one fault are merged, the worst comes first, and each has its cure", () => {
  const merged = mergedFaults([
    fault("LogFull", [9]),
    fault("LogRegressed", [4, 2], "the log ends at 3"),
    fault("LogRegressed", [3], "ends at 1"),
    fault("LogRegressed", [4], "other"),
    fault("PartitionStopped", []),
  ]);
  assert.deepEqual(
    merged.map((one) => [one.fault, one.partitions]),
    [
      ["LogRegressed", [2, 3, 4]],
      ["LogFull", [9]],
    ],
  );
  const found = faultFinding(clusterOf(), merged);
  assert.equal(found?.reason, "LogRegressed");
  assert.match(
    found?.message ?? "",
    /^LogRegressed: partitions 2-4: ends at 1; other and 1 more reasons; put the newer NATS store back, .*--partition 2 .*; LogFull: partition 9: w; let storage catch up/,
  );
  assert.equal(faultFinding(clusterOf(), []), undefined);
});

test("faults of history and of copies do not block talking, the others do, and each is reported", () => {
  const stopping = FAULTS.filter((name) => faultFinding(clusterOf(), [fault(name, [0])], "stopping"));
  assert.deepEqual(stopping, ["LogRegressed", "PartitionStopped", "LogFull"]);
  for (const name of FAULTS) {
    const [merged] = mergedFaults([fault(name, [0])]);
    assert.equal(merged?.fault, name);
    const message = faultFinding(clusterOf(), [fault(name, [0])])?.message ?? "";
    const where = name === "PushCredentialsRefused" ? "" : "partition 0: ";
    assert.ok(message.startsWith(`${name}: ${where}w; `) && message.length > name.length + 40, message);
  }
});

test("a fault of a whole component is reported without partitions, which other faults must name", () => {
  const merged = mergedFaults([fault("PushCredentialsRefused", [], "fcm"), fault("HistoryStuck", [])]);
  assert.deepEqual(merged, [fault("PushCredentialsRefused", [], "fcm")]);
  assert.match(
    faultFinding(clusterOf(), merged)?.message ?? "",
    /^PushCredentialsRefused: fcm; correct the Secret that spec\.push names/,
  );
});

test("a pod that does not answer with faults counts as silent and not as free of faults", async (t) => {
  let answer: readonly [number, string] = [200, "[]"];
  const server = createServer((_, response) => {
    response.writeHead(answer[0]).end(answer[1]);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(await faultsOf("127.0.0.1", port), []);
  const said = [fault("LogFull", [1]), { fault: "OfLater", partitions: [1], why: "w" }];
  answer = [200, JSON.stringify(said)];
  assert.deepEqual(await faultsOf("127.0.0.1", port), said.slice(0, 1));
  for (const other of [
    [404, "no fault is told of here"],
    [200, "ok\n"],
    [200, "{}"],
  ] as const) {
    answer = other;
    assert.equal(await faultsOf("127.0.0.1", port), undefined, other[1]);
  }
  server.close();
  server.closeAllConnections();
  assert.equal(await faultsOf("127.0.0.1", port), undefined);
  assert.match(tellSilent(["a", "b", "c", "d"]), /^a, b, c and 1 more do not report/);
});
