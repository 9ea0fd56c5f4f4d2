import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { nextSteps, withBackends } from "./next-steps.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const SAMPLE = "chart/samples/laptop.yaml";

test("README and docs/kubernetes.md have the lines that make load prints", () => {
  const lines = nextSteps({ enter: [], helm: "helm", kubectl: "kubectl", sample: SAMPLE });
  for (const path of ["README.md", "docs/kubernetes.md"])
    for (const line of lines) assert.ok(read(path).includes(`\n${line}`), `${path} has no ${line}`);
});

test("each line begins with the command that reaches this cluster", () => {
  const enter = ["nsenter", "--net=/run/netns/a"];
  const lines = nextSteps({
    enter,
    helm: "/bin/helm",
    kubectl: "/bin/kubectl",
    sample: "s.yaml",
    values: ["--wait"],
  });
  assert.equal(
    lines[0],
    "nsenter --net=/run/netns/a /bin/helm install jichat ./chart -n jichat --create-namespace --wait",
  );
  assert.equal(lines[1], "nsenter --net=/run/netns/a /bin/kubectl apply -n jichat -f s.yaml");
});

test("a sample names the images of all three backends, and keeps their other fields", () => {
  const text = withBackends(read(SAMPLE), {
    nats: "a/nats:1",
    redis: "a/redis:1",
    clickhouse: "a/clickhouse:1",
  });
  assert.match(
    text,
    /^ {2}nats: \{ managed: \{ image: "a\/nats:1", replicas: 1, storage: \{ size: 2Gi \} \} \}$/m,
  );
  assert.match(text, /^ {2}redis: \{ managed: \{ image: "a\/redis:1" \} \}$/m);
  assert.match(text, /^ {2}clickhouse: \{ managed: \{ image: "a\/clickhouse:1", storage/m);
});
