import { prepareUws } from "@jichat/testkit/glibc.ts";
import { needChdb, needChromium, needNats, needRedis } from "@jichat/testkit/needs.ts";
import { main } from "@jichat/testkit/say.ts";
import { become } from "./spawn.ts";

await main(async () => {
  await needNats();
  await needRedis();
  await needChdb();
  await needChromium();
  await prepareUws();
  await become("bench/src/main.ts");
});
