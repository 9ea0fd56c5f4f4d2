import { test } from "node:test";
import { runChatModel } from "../../test/chat-model.ts";

const asked = process.env["CHAT_SEED"];
const SEEDS = 500;

test(`${SEEDS} runs of random calls, faults and restarts: list and threads equal what the server holds, nothing is lost or sent twice`, async () => {
  const [first, last] = asked === undefined ? [1, SEEDS] : [Number(asked), Number(asked)];
  for (let seed = first; seed <= last; seed += 1) await runChatModel(seed);
});
