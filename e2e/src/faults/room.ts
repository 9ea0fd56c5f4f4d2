import { spawn } from "node:child_process";
import { accessSync, constants as access, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { exec, which } from "@jichat/testkit/exec.ts";
import { needFaketime } from "./clock.ts";
import type { Cell } from "./matrix.ts";
import { isOfClock, nameOf } from "./matrix.ts";
import type { Outcome } from "./outcome.ts";

/**
 * Namespaces of its own for network, mounts and processes. Whatever runs inside ends with it, mounts and
 * devices go with that: the kernel sees to it, also after a SIGKILL.
 */
const ROOM = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;
const RUN_MAX_MS = 320_000;

/** Rooms that are open, and how each is taken away at once. */
const open = new Set<() => void>();
process.once("exit", () => {
  for (const close of open) close();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    process.exit(128 + constants.signals[signal]); // Without a listener it would end without its `exit`.
  });

/** Why no host can have a namespace of its own here; undefined where it can. */
export async function whyNoHosts(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "this needs root: network namespaces, TUN devices and mounts are made";
  const missing = ["unshare", "nsenter", "python3", "mkfs.ext4", "mount"].find(
    (name) => which(name) === undefined,
  );
  if (missing !== undefined) return `${missing} is not on PATH`;
  try {
    accessSync("/dev/net/tun", access.R_OK | access.W_OK);
  } catch (error) {
    return `/dev/net/tun cannot be opened: ${String(error)}`;
  }
  const [program, ...args] = [...ROOM, "true"];
  const { code, stderr } = await exec(program, args);
  return code === 0 ? undefined : `namespaces are not to be had: ${stderr.trim()}`;
}

/** Runs a program of this folder in a room, or without one; resolves with the last line that it says. */
export async function runInRoom(
  over: Outcome["over"],
  file: string,
  args: readonly string[],
): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), "jichat-faults-"));
  const main = [process.execPath, join(import.meta.dirname, file), over, ...args];
  const [program = "", ...more] = over === "namespaces" ? [...ROOM, ...main] : main;
  // Whoever is in there ends when its input does: also when this process is ended by SIGKILL.
  const child = spawn(program, more, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: data },
  });
  const limit = setTimeout(() => {
    child.kill("SIGKILL");
  }, RUN_MAX_MS);
  const close = (): void => {
    open.delete(close);
    clearTimeout(limit);
    child.kill("SIGKILL"); // It has ended, or has nothing more to say.
    rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  };
  open.add(close);
  try {
    let text = "";
    for await (const chunk of child.stdout) text += String(chunk);
    return text.trim().split("\n").at(-1) ?? "";
  } finally {
    close();
  }
}

/** Plays a cell in a process of its own and says what came of it. Nothing of it is left, however it ends. */
export async function playCell(cell: Cell, over: Outcome["over"]): Promise<Outcome> {
  if (cell.faults.some(isOfClock)) await needFaketime();
  const line = await runInRoom(over, "main.ts", [String(cell.seed), nameOf(cell)]);
  if (!line.startsWith("{"))
    throw new Error(`${nameOf(cell)}, seed ${cell.seed}: the run ended without an outcome`);
  return JSON.parse(line) as Outcome;
}
