import { tmpdir } from "node:os";
import { UserError, main } from "@jichat/testkit/say.ts";
import { endWithInput } from "./guest.ts";
import { readCell } from "./matrix.ts";
import { runCell } from "./run.ts";

/** Runs in its own room (room.ts). Plays one cell of the matrix, and prints the outcome. */
await main(async () => {
  const [over = "", seed = "", faults = ""] = process.argv.slice(2);
  const cell = readCell(faults, Number(seed));
  if (cell === undefined) throw new UserError(`no such fault: ${faults}`);
  if (over !== "namespaces" && over !== "proxies")
    throw new UserError(`over namespaces or proxies, not ${over}`);
  endWithInput();
  const outcome = await runCell(cell, over, tmpdir());
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
});
