import { readFileSync } from "node:fs";
import { join } from "node:path";
import { definition } from "../crd/definition.ts";
import { withChanges } from "./changes.ts";
import { DASHBOARDS, dashboard } from "./dashboards.ts";
import { reference } from "./reference.ts";
import { clusterRules, ownRules } from "./rules.ts";
import { VALUES } from "./values.ts";

const ROOT = join(import.meta.dirname, "../../..");

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * Every file that is generated from code, in whole or in part, by its path from the root. `make chart` writes
 * them, and a test checks that they are current.
 */
export const chartFiles = (): Readonly<Record<string, string>> => ({
  "chart/files/crd.json": json(definition()),
  "chart/files/rules.json": json({ clusters: clusterRules(), own: ownRules() }),
  "chart/values.schema.json": json({ $schema: "http://json-schema.org/draft-07/schema#", ...VALUES }),
  ...Object.fromEntries(
    DASHBOARDS.map((one) => [`chart/files/dashboards/${one.name}.json`, json(dashboard(one))]),
  ),
  "docs/chat-cluster.md": reference(),
  "docs/kubernetes.md": withChanges(readFileSync(join(ROOT, "docs/kubernetes.md"), "utf8")),
});
