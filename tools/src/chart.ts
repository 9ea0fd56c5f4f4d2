import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartFiles } from "../../operator/src/chart/files.ts";
import { ROOT } from "./cache.ts";
import { main, say } from "./say.ts";

/** `make chart`: writes what the chart and the reference page have from the operator's code. */
await main(async () => {
  for (const [path, text] of Object.entries(chartFiles())) {
    writeFileSync(join(ROOT, path), text);
    say(`wrote ${path}`);
  }
});
