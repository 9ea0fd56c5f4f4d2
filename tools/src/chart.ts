import { main } from "@jichat/testkit/say.ts";
import { become } from "./spawn.ts";

await main(async () => become("operator/src/chart/main.ts"));
