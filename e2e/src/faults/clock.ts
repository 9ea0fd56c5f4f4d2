import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "@jichat/testkit/exec.ts";
import { debs } from "@jichat/testkit/needs.ts";

/**
 * A clock of one part's own, by libfaketime. Only Node hears of it: nats-server is linked statically, and
 * Redis does not bear it. Timers go on: the monotonic clock is left alone.
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

  /** From its next look on, within a second, the part is so many seconds ahead of everybody, or behind. */
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

/** The library, got once. To be asked for where there is a network: a host of its own has none. */
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
