import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { main, say } from "@jichat/testkit/say.ts";
import { makePackages } from "./packages/make.ts";

const OUT = join(ROOT, ".data/packages");

await main(async () => {
  const tarballs = await makePackages(OUT);
  say(`install ${tarballs.length === 1 ? "it" : "them"} anywhere: npm install ${tarballs.join(" ")}`);
});
