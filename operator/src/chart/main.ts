import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartFiles } from "./files.ts";

/**
 * `make chart`: writes the parts of the chart and of the reference page that come from the operator's code.
 */
const ROOT = join(import.meta.dirname, "../../..");

for (const [path, text] of Object.entries(chartFiles())) {
  writeFileSync(join(ROOT, path), text);
  process.stdout.write(`wrote ${path}\n`);
}
