import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { during } from "./say.ts";

export const ROOT = join(import.meta.dirname, "../..");

/** The cache is outside the checkout and shared by all checkouts. Its entries are keyed by version. */
export const cacheRoot = (): string =>
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "jichat");

/** The bytes of all files below a folder; 0 if it does not exist. */
export function sizeOf(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
    }
  } catch {
    return bytes; // A file vanished during the count: the next count is right again.
  }
  return bytes;
}

/**
 * A folder of the cache, filled by `fill` the first time. It is filled under another name and then renamed,
 * so that a broken download leaves nothing.
 */
export async function cached(
  key: string,
  what: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheRoot(), key);
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    await during(
      `getting ${what} (once)`,
      fill(building),
      () => `, ${(sizeOf(building) / 1e6).toFixed(0)} MB`,
    );
    if (existsSync(folder)) return folder;
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}
