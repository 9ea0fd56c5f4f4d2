import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import { ROOT } from "./cache.ts";
import { main, say } from "./say.ts";

/** `make kubectl-chat`: one file that kubectl finds as its plugin; it needs Node 24 on PATH. */
await main(async () => {
  const out = join(ROOT, ".data/bin/kubectl-chat");
  const built = `${out}.mjs`;
  await bundle("kubectl-chat", built);
  writeFileSync(out, `#!/usr/bin/env node\n${readFileSync(built, "utf8")}`);
  chmodSync(out, 0o755);
  rmSync(built);
  say(`made ${out}: put it on PATH, and \`kubectl chat --help\` says the rest`);
});
