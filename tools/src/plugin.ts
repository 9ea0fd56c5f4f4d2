import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "@jichat/testkit/bundle.ts";
import { ROOT } from "@jichat/testkit/cache.ts";

/** Builds the plugin as one file, which kubectl finds by its name. It needs Node 24 on PATH. */
export async function buildPlugin(): Promise<string> {
  const out = join(ROOT, ".data/bin/kubectl-chat");
  const built = `${out}.mjs`;
  await bundle("kubectl-chat", built);
  writeFileSync(out, `#!/usr/bin/env node\n${readFileSync(built, "utf8")}`);
  chmodSync(out, 0o755);
  rmSync(built);
  return out;
}
