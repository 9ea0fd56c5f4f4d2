import { buildPlugin } from "./plugin.ts";
import { main, say } from "@jichat/testkit/say.ts";

/** `make kubectl-chat`: builds the kubectl plugin. */
await main(async () => {
  say(`made ${await buildPlugin()}: put it on PATH, and see \`kubectl chat --help\``);
});
