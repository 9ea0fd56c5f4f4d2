import { prepareUws } from "./glibc.ts";
import { needChdb, needNats, needRedis } from "./needs.ts";
import { main } from "./say.ts";
import { become } from "./spawn.ts";

await main(async () => {
  await needNats();
  await needRedis();
  await needChdb();
  await prepareUws();
  await become("e2e/src/trace.ts");
});
