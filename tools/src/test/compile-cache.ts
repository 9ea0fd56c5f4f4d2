import { rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, sizeOf } from "@jichat/testkit/cache.ts";

/** About ten times what one state of the sources takes. */
const BYTES_MAX = 268_435_456;

/**
 * The folder in which Node keeps what it compiled (`NODE_COMPILE_CACHE`). Without it, every process of every
 * test's cluster compiles the same sources again, which is half of its start. Entries of old sources and of
 * deleted folders stay, so the folder is emptied once it is too large.
 */
export function compileCache(): string {
  const folder = join(ROOT, ".data/compiled");
  if (sizeOf(folder) > BYTES_MAX) rmSync(folder, { recursive: true });
  return folder;
}
