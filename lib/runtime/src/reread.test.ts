import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { pino } from "pino";
import { until } from "@jichat/testkit/until.ts";
import { rereadFiles } from "./reread.ts";

/** As a Secret's volume: files behind a link that is put in another one's place at once. */
class Volume {
  readonly folder = mkdtempSync(join(tmpdir(), "jichat-reread-"));
  #version = 0;

  put(files: Readonly<Record<string, string>>): void {
    this.#version += 1;
    const at = join(this.folder, `..${this.#version}`);
    rmSync(at, { recursive: true, force: true });
    symlinkSync(this.#made(files), at);
    renameSync(at, join(this.folder, "..data"));
  }

  #made(files: Readonly<Record<string, string>>): string {
    const made = mkdtempSync(join(this.folder, "v"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
    return made;
  }

  path(name: string): string {
    return join(this.folder, "..data", name);
  }
}

function start(
  t: TestContext,
  volume: Volume,
  take: (texts: readonly string[]) => void,
  more: { readonly mayBeMissing?: true } = {},
) {
  const stopping = new AbortController();
  const lines: { readonly level: number; readonly what?: string; readonly why?: string }[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as (typeof lines)[number]);
  };
  let refused = (): number => NaN;
  let taken = 0;
  const telemetry = {
    log: pino({ level: "info" }, { write }),
    counter: () => ({
      add: (by: number) => {
        taken += by;
      },
      count: () => ({ attributes: {}, value: 0 }),
    }),
    gauge: (_name: string, _description: string, read: () => number) => {
      refused = read;
    },
  };
  const files = [volume.path("a"), volume.path("b")];
  const all = [{ what: "pair", files, atStart: ["1", "1"], take, ...more }];
  const done = rereadFiles(all, { telemetry, signal: stopping.signal, everyMs: 5 });
  t.after(async () => {
    stopping.abort();
    await done;
    rmSync(volume.folder, { recursive: true, force: true });
  });
  return { lines, refused: () => refused(), taken: () => taken };
}

test("files behind a swapped link are read in their present form, once per change", async (t) => {
  const volume = new Volume();
  volume.put({ a: "1", b: "1" });
  const took: string[] = [];
  const { lines, refused, taken } = start(t, volume, (texts) => took.push(texts.join()));
  volume.put({ a: "2", b: "2" });
  await until("the second", 5_000, async () => (took.length === 1 ? true : undefined));
  volume.put({ a: "3", b: "2" });
  await until("the third", 5_000, async () => (took.length === 2 ? true : undefined));
  assert.deepEqual(took, ["2,2", "3,2"]);
  await until("both are told", 5_000, async () => (lines.length === 2 ? true : undefined));
  assert.deepEqual([taken(), refused()], [2, 0]);
});

test("unusable files are reported once and counted until they are repaired, and the earlier ones stay in use", async (t) => {
  const volume = new Volume();
  volume.put({ a: "1", b: "1" });
  const took: string[] = [];
  const { lines, refused, taken } = start(t, volume, ([a = "", b = ""]) => {
    if (a !== b) throw new Error(`${a} does not fit ${b}`);
    took.push(a);
  });
  volume.put({ a: "2", b: "1" });
  await until("it is refused", 5_000, async () => (refused() === 1 ? true : undefined));
  volume.put({ a: "2" });
  await until("the next fault is told", 5_000, async () => (lines.length === 2 ? true : undefined));
  assert.deepEqual([took, taken(), refused()], [[], 0, 1]);
  assert.match(lines[0]?.why ?? "", /2 does not fit 1/);
  assert.match(lines[1]?.why ?? "", /ENOENT/);
  volume.put({ a: "2", b: "2" });
  await until("it is mended", 5_000, async () => (refused() === 0 ? true : undefined));
  assert.deepEqual([took, taken()], [["2"], 1]);
  volume.put({ a: "9", b: "8" });
  await until("it is refused again", 5_000, async () => (refused() === 1 ? true : undefined));
  volume.put({ a: "2", b: "2" });
  await until("it was put back", 5_000, async () => (refused() === 0 ? true : undefined));
  assert.deepEqual(took, ["2"], "what was put back is what is in use");
});

test("a file that may be missing reads as an empty text", async (t) => {
  const volume = new Volume();
  volume.put({ a: "1", b: "1" });
  const took: string[] = [];
  const { refused } = start(t, volume, (texts) => took.push(texts.join()), { mayBeMissing: true });
  volume.put({ a: "2" });
  await until("it is taken away", 5_000, async () => (took.length === 1 ? true : undefined));
  volume.put({ a: "2", b: "3" });
  await until("it is back", 5_000, async () => (took.length === 2 ? true : undefined));
  assert.deepEqual([took, refused()], [["2,", "2,3"], 0]);
});
