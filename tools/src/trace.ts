import { main } from "@jichat/testkit/say.ts";
import { become } from "./spawn.ts";

await main(async () => become("e2e/src/trace.ts"));
