import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../cache.ts";
import { NATS_GOGC, youngHeapFlag } from "./heaps.ts";

test("an image starts a component with the same young heap as `make run` and the bench", () => {
  const stages = readFileSync(join(ROOT, "Dockerfile"), "utf8").split(/^FROM /m);
  const flagOf = (stage: string): string | undefined =>
    /^ENTRYPOINT \["node", "([^"]+)"/m.exec(
      stages.find((text) => text.split("\n")[0]?.endsWith(` AS ${stage}`)) ?? "",
    )?.[1];
  for (const component of ["connector", "router", "storage", "api", "push"] as const)
    assert.equal(flagOf(component) ?? flagOf("component"), youngHeapFlag(component), component);
});

test("the operator's nats-server has the same GC settings as that of `make run` and the bench", () => {
  const source = readFileSync(join(ROOT, "operator/src/desired/nats.ts"), "utf8");
  assert.equal(/name: "GOGC", value: "(\d+)"/.exec(source)?.[1], NATS_GOGC);
});
