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
 * Separate namespaces for network, mounts and processes. When the room ends, its processes end, and so do its
 * mounts and devices. The kernel ensures this even after SIGKILL.
 */
const ROOM = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;
const RUN_MAX_MS = 320_000;

/** The open rooms, each as a function that ends it at once. */
const open = new Set<() => void>();
process.once("exit", () => {
  for (const close of open) close();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    // Without this listener, the process would end without an `exit` event.
    process.exit(128 + constants.signals[signal]);
  });

/** Why hosts cannot have namespaces here; undefined if they can. */
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

/** Runs a program of this folder in a room, or without one. Resolves with the last line that it prints. */
export async function runInRoom(
  over: Outcome["over"],
  file: string,
  args: readonly string[],
): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), "jichat-faults-"));
  const main = [process.execPath, join(import.meta.dirname, file), over, ...args];
  const [program = "", ...more] = over === "namespaces" ? [...ROOM, ...main] : main;
  // The program ends when its input ends, which also happens if this process gets SIGKILL.
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
    child.kill("SIGKILL"); // It has ended, or has nothing more to print.
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

/** Plays a cell in a separate process. Resolves with the outcome. Nothing of it remains, however it ends. */
export async function playCell(cell: Cell, over: Outcome["over"]): Promise<Outcome> {
  if (cell.faults.some(isOfClock)) await needFaketime();
  const line = await runInRoom(over, "main.ts", [String(cell.seed), nameOf(cell)]);
  if (!line.startsWith("{"))
    throw new Error(`${nameOf(cell)}, seed ${cell.seed}: the run ended without an outcome`);
  return JSON.parse(line) as Outcome;
}
