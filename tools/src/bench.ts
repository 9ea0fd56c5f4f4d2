import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./cache.ts";
import { prepareUws } from "./glibc.ts";
import { needChdb, needNats, needRedis } from "./needs.ts";
import { main } from "./say.ts";

await main(async () => {
  await needNats();
  await needRedis();
  await needChdb();
  await prepareUws();
  const child = spawn(process.execPath, [join(ROOT, "bench/src/main.ts")], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      child.kill("SIGTERM");
    });
  process.exitCode = await new Promise<number>((resolve) => {
    child.once("exit", (code) => {
      resolve(code ?? 1);
    });
  });
});
