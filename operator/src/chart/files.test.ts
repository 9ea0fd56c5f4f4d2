import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REGISTRY, VERSION } from "@jichat/testkit/image-names.ts";
import { SPEC } from "../crd/spec.ts";
import { DASHBOARDS } from "./dashboards.ts";
import { chartFiles } from "./files.ts";

const ROOT = join(import.meta.dirname, "../../..");
const METRIC = /jichat_[a-z_]+/g;

test("the chart and the reference page equal the output of the operator's code", () => {
  for (const [path, text] of Object.entries(chartFiles()))
    assert.equal(readFileSync(join(ROOT, path), "utf8"), text, `${path} is old: run make chart`);
});

test("images are built under the names that the chart and ChatClusters use", () => {
  const registry = (SPEC.properties.image.properties.registry as { readonly default?: string }).default;
  assert.equal(registry, REGISTRY);
  assert.match(readFileSync(join(ROOT, "chart/values.yaml"), "utf8"), new RegExp(`registry: ${REGISTRY}\\n`));
  assert.match(readFileSync(join(ROOT, "chart/Chart.yaml"), "utf8"), new RegExp(`appVersion: ${VERSION}\\n`));
});

test("alerts and dashboards use existing metrics", () => {
  const known: readonly string[] = readFileSync(join(ROOT, "docs/metrics.md"), "utf8").match(METRIC) ?? [];
  const rules = readdirSync(join(ROOT, "chart/files/rules")).map((name) =>
    readFileSync(join(ROOT, "chart/files/rules", name), "utf8"),
  );
  const queries = DASHBOARDS.flatMap(({ panels }) =>
    panels.flatMap(({ queries: all }) => Object.values(all)),
  );
  const asked = [...rules, ...queries].flatMap((text) => text.match(METRIC) ?? []);
  assert.ok(asked.length > 30);
  const unknown = asked
    .map((name) => name.replace(/_(total|bucket)$/, ""))
    .filter((name) => !known.includes(name));
  assert.deepEqual([...new Set(unknown)], []);
});

test("every alert names an existing section of the operations page", () => {
  const alerts = readFileSync(join(ROOT, "chart/files/rules/alerts.yaml"), "utf8");
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const anchorOf = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-");
  const anchors = new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => anchorOf(text)));
  const named = [...alerts.matchAll(/runbook: docs\/operations\.md#(\S+)/g)].map(([, anchor = ""]) => anchor);
  assert.equal(named.length, (alerts.match(/- alert:/g) ?? []).length, "every alert has a runbook");
  assert.deepEqual(
    named.filter((anchor) => !anchors.has(anchor)),
    [],
  );
});
