import type { Order, Report } from "./tasks.ts";
import { TASKS } from "./tasks.ts";

/** The generator's process. It takes one order, sends one report, and ends. */
process.once("message", ({ task, args }: Order) => {
  const report = (what: Report): void => {
    process.send?.(what, () => {
      process.exit(0);
    });
  };
  TASKS[task](args).then(
    (result) => {
      report({ result });
    },
    (error: unknown) => {
      report({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  );
});
process.once("disconnect", () => {
  process.exit(1);
});
