import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Telemetry } from "./telemetry.ts";

/** How often files are looked at: a Secret's volume changes without a word that could be relied on. */
const EVERY_MS = 5_000;

/** Files that belong together, and who takes them over when they change. */
export interface Reread {
  /** What they are, for logs and metrics: of a bounded set. */
  readonly what: string;
  readonly files: readonly string[];
  /** What they held when they were read at the start. */
  readonly atStart: readonly string[];
  /** Takes over what they hold now. Throws what is wrong with it: then what was taken before goes on. */
  readonly take: (texts: readonly string[]) => void | Promise<void>;
}

export interface RereadOptions {
  readonly telemetry: Pick<Telemetry, "log" | "counter" | "gauge">;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

/** In place of what they hold, which may be secret. */
const printOf = (texts: readonly string[]): string => hash("sha256", JSON.stringify(texts), "hex");

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One set of files, and what became of its last change. */
class Watched {
  readonly #reread: Reread;
  #taken: string;
  #failed: { readonly print: string; isTold: boolean } | undefined;

  constructor(reread: Reread) {
    this.#reread = reread;
    this.#taken = printOf(reread.atStart);
  }

  get what(): string {
    return this.#reread.what;
  }

  get isRefused(): boolean {
    return this.#failed?.isTold === true;
  }

  /**
   * `taken`: there was something new. `why` it cannot be used is told once, of what was so at two looks: files
   * that are just being replaced may be read half and half. Undefined: no news.
   */
  async look(): Promise<"taken" | { readonly why: string } | undefined> {
    const { files, take } = this.#reread;
    let print = "";
    try {
      const texts = await Promise.all(files.map(async (file) => readFile(file, "utf8")));
      print = printOf(texts);
      if (print === this.#taken) {
        this.#failed = undefined; // It was put back.
        return undefined;
      }
      if (this.#failed?.print === print && this.#failed.isTold) return undefined;
      await take(texts);
    } catch (error) {
      return this.#fail(print, messageOf(error));
    }
    this.#taken = print;
    this.#failed = undefined;
    return "taken";
  }

  #fail(print: string, why: string): { readonly why: string } | undefined {
    const isAgain = this.#failed !== undefined && this.#failed.print === print;
    const isNews = isAgain && this.#failed?.isTold === false;
    this.#failed = { print, isTold: isAgain };
    return isNews ? { why } : undefined;
  }
}

/**
 * Takes over files that change, within five seconds of the change, until the signal aborts. What cannot be
 * used is told once and counted until it is mended. Resolves when nothing is read any more.
 */
export async function rereadFiles(all: readonly Reread[], options: RereadOptions): Promise<void> {
  const { telemetry, signal, everyMs = EVERY_MS } = options;
  const watched = all.map((one) => new Watched(one));
  const taken = telemetry.counter(
    "jichat_files_taken",
    "changed files that were taken over, by what they are",
  );
  for (const { what } of watched) taken.add(0, { what });
  telemetry.gauge(
    "jichat_files_refused",
    "sets of files that have changed and cannot be used: what was read before goes on",
    () => watched.filter(({ isRefused }) => isRefused).length,
  );
  while (!signal.aborted) {
    for (const one of watched) {
      const outcome = await one.look();
      const { what } = one;
      if (outcome === "taken") {
        taken.add(1, { what });
        telemetry.log.info({ what }, "changed files were taken over");
      } else if (outcome !== undefined)
        telemetry.log.error(
          { what, why: outcome.why },
          "changed files cannot be used: those of before go on",
        );
    }
    await sleep(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
