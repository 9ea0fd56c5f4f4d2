import { main } from "./say.ts";
import { become } from "./spawn.ts";

await main(async () => become("docs/src/site.ts"));
