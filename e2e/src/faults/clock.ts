import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "@jichat/testkit/exec.ts";
import { debs } from "@jichat/testkit/needs.ts";

/**
 * A separate clock for one part, by libfaketime. Only Node can use it: nats-server is linked statically, and
 * Redis does not tolerate it. Timers go on, since the monotonic clock stays the same.
 */
export class Clock {
  readonly #file: string;
  readonly #library: string;

  private constructor(file: string, library: string, aheadSeconds: number) {
    this.#file = file;
    this.#library = library;
    this.set(aheadSeconds);
  }

  static async make(data: string, part: string, aheadSeconds: number): Promise<Clock> {
    return new Clock(join(data, `${part}.clock`), await needFaketime(), aheadSeconds);
  }

  /** Sets how many seconds the part is ahead of all others, or behind. It takes effect within a second. */
  set(aheadSeconds: number): void {
    writeFileSync(this.#file, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}\n`);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }
}

/** Downloads the library once. Call it where there is a network: an isolated host has none. */
export async function needFaketime(): Promise<string> {
  const pattern = "usr/lib/*/faketime/libfaketimeMT.so.1";
  const [installed] = globSync(`/${pattern}`);
  if (installed !== undefined) return installed;
  const cure = which("apt-get") === undefined ? "install libfaketime" : "apt-get install libfaketime";
  const folder = await debs("libfaketime-debian", ["libfaketime"], cure);
  const [library] = globSync(join(folder, "root", pattern));
  if (library === undefined) throw new Error(`libfaketime is not where its package has it: ${cure}`);
  return library;
}
