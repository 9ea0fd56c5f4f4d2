import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../cache.ts";
import { NATS_GOGC, heapFlags } from "./heaps.ts";

test("an image starts a component with the same heap as `make run` and the bench", () => {
  const stages = readFileSync(join(ROOT, "Dockerfile"), "utf8").split(/^FROM /m);
  const flagsOf = (stage: string): readonly unknown[] | undefined => {
    const text = stages.find((one) => one.split("\n")[0]?.endsWith(` AS ${stage}`)) ?? "";
    const [, entry] = /^ENTRYPOINT (.+)$/m.exec(text) ?? [];
    return entry === undefined ? undefined : (JSON.parse(entry) as readonly unknown[]).slice(1, -1);
  };
  for (const component of ["connector", "router", "storage", "api", "push"] as const)
    assert.deepEqual(flagsOf(component) ?? flagsOf("component"), heapFlags(component), component);
});

test("the operator's nats-server has the same GC settings as that of `make run` and the bench", () => {
  const source = readFileSync(join(ROOT, "operator/src/desired/nats.ts"), "utf8");
  assert.equal(/name: "GOGC", value: "(\d+)"/.exec(source)?.[1], NATS_GOGC);
});
