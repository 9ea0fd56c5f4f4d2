import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Telemetry } from "./telemetry.ts";

/** How often files are read: change events of a Secret's volume are not reliable. */
const EVERY_MS = 5_000;

/** Files that belong together, and the function that applies their changes. */
export interface Reread {
  /** Name of the set for logs and metrics, out of a bounded set. */
  readonly what: string;
  readonly files: readonly string[];
  /** A file that is missing reads as an empty text. Otherwise it is a fault. */
  readonly mayBeMissing?: true;
  /** Their content at the start. */
  readonly atStart: readonly string[];
  /** Applies their present content. Throws if it is unusable; then the earlier content stays in use. */
  readonly take: (texts: readonly string[]) => void | Promise<void>;
  /** The content that is in use is back, after one that was unusable. */
  readonly restored?: () => void;
}

export interface RereadOptions {
  readonly telemetry: Pick<Telemetry, "log" | "counter" | "gauge">;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

/** A hash instead of the content, which may be secret. */
const printOf = (texts: readonly string[]): string => hash("sha256", JSON.stringify(texts), "hex");

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One set of files, and the state of its last change. */
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
   * Returns `taken` if new content was applied, and `why` if it is unusable. `why` is returned once, and only
   * if two looks found the same content: files that are being replaced may be read half old and half new.
   * `undefined` means no news.
   */
  async look(): Promise<"taken" | { readonly why: string } | undefined> {
    let print = "";
    try {
      const texts = await this.#read();
      print = printOf(texts);
      if (print === this.#taken) {
        if (this.#failed !== undefined) this.#reread.restored?.(); // The earlier content is back.
        this.#failed = undefined;
        return undefined;
      }
      if (this.#failed?.print === print && this.#failed.isTold) return undefined;
      // A link that is swapped between two files shows one of them old and one of them new.
      if (printOf(await this.#read()) !== print) return undefined;
      await this.#reread.take(texts);
    } catch (error) {
      return this.#fail(print, messageOf(error));
    }
    this.#taken = print;
    this.#failed = undefined;
    return "taken";
  }

  async #read(): Promise<readonly string[]> {
    const { files, mayBeMissing } = this.#reread;
    return Promise.all(
      files.map(async (file) =>
        readFile(file, "utf8").catch((error: unknown) => {
          if (mayBeMissing === true && (error as NodeJS.ErrnoException).code === "ENOENT") return "";
          throw error;
        }),
      ),
    );
  }

  #fail(print: string, why: string): { readonly why: string } | undefined {
    const isAgain = this.#failed !== undefined && this.#failed.print === print;
    const isNews = isAgain && this.#failed?.isTold === false;
    this.#failed = { print, isTold: isAgain };
    return isNews ? { why } : undefined;
  }
}

/**
 * Applies changed files within five seconds (`everyMs`) until the signal aborts. Unusable content is logged
 * once, and counted until it is repaired. Resolves when the loop has ended.
 */
export async function rereadFiles(all: readonly Reread[], options: RereadOptions): Promise<void> {
  const { telemetry, signal, everyMs = EVERY_MS } = options;
  const watched = all.map((one) => new Watched(one));
  const taken = telemetry.counter(
    "jichat_files_taken",
    "changed files that were read again and are in use, by what they are",
  );
  for (const { what } of watched) taken.add(0, { what });
  telemetry.gauge(
    "jichat_files_refused",
    "sets of files that have changed and cannot be used: the earlier ones stay in use",
    () => watched.filter(({ isRefused }) => isRefused).length,
  );
  while (!signal.aborted) {
    for (const one of watched) {
      const outcome = await one.look();
      const { what } = one;
      if (outcome === "taken") {
        taken.add(1, { what });
        telemetry.log.info({ what }, "changed files are in use");
      } else if (outcome !== undefined)
        telemetry.log.error(
          { what, why: outcome.why },
          "changed files cannot be used: the earlier ones stay in use",
        );
    }
    await sleep(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
