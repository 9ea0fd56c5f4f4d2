import { Plain, main } from "@jichat/tools/say.ts";
import { readCell } from "./matrix.ts";
import { runCell } from "./run.ts";

/** In a room of its own (room.ts): plays one cell of the matrix, and says on its output what came of it. */
await main(async () => {
  const [over = "", seed = "", faults = "", data = ""] = process.argv.slice(2);
  const cell = readCell(faults, Number(seed));
  if (cell === undefined) throw new Plain(`no such fault: ${faults}`);
  if (over !== "namespaces" && over !== "proxies") throw new Plain(`over namespaces or proxies, not ${over}`);
  // Whoever asked has gone, however it ended: nobody is left to hear of it.
  process.stdin.once("end", () => process.exit(1)).resume();
  process.stdin.unref();
  const outcome = await runCell(cell, over, data);
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
});
