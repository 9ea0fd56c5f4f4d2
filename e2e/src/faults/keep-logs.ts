import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Part } from "@jichat/testkit/local/part.ts";

/** Copies the logs of all parts into a folder of this name, if `FAULTS_LOGS` names a folder for such. */
export function keepLogs(parts: readonly Part[], name: string): void {
  const { FAULTS_LOGS: kept } = process.env;
  if (kept === undefined) return;
  const folder = join(kept, name.replaceAll(" ", "-"));
  mkdirSync(folder, { recursive: true });
  for (const { spec } of parts) copyFileSync(spec.logFile, join(folder, basename(spec.logFile)));
}
