import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApi } from "@jichat/api/openapi.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { show } from "@jichat/testkit/exec.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";
import { limitsPage } from "./limits/page.ts";
import { restPage } from "./rest-page.ts";

const DOCS = join(import.meta.dirname, "..");
const REFERENCE = join(DOCS, "reference");
const OUT = join(ROOT, ".data/site");

async function step(what: string, program: string, args: readonly string[]): Promise<void> {
  say(what);
  if ((await show(program, args, { cwd: DOCS, env: process.env })) !== 0)
    throw new UserError(`the site was not made: ${what} failed, see above`);
}

/** Writes the pages that come from code, then the site: `.data/site`. Fails on a dead link. */
await main(async () => {
  rmSync(REFERENCE, { recursive: true, force: true });
  mkdirSync(join(REFERENCE, "sdk"), { recursive: true });
  say("the REST reference, from the api's own OpenAPI");
  writeFileSync(join(REFERENCE, "rest.md"), restPage(await openApi()));
  say("the page of limits, from the constants and settings of the code");
  writeFileSync(join(DOCS, "limits.md"), limitsPage());
  await step("the SDK reference, from the client's types", process.execPath, [
    join(DOCS, "node_modules/typedoc/bin/typedoc"),
    "--options",
    join(DOCS, "typedoc.json"),
  ]);
  await step("the site", process.execPath, [
    join(ROOT, "node_modules/vitepress/bin/vitepress.js"),
    "build",
    ".",
  ]);
  rmSync(OUT, { recursive: true, force: true });
  cpSync(join(DOCS, ".vitepress/dist"), OUT, { recursive: true });
  say(`the site is in ${OUT}: serve that folder with any web server`);
});
