import { errors } from "undici";
import type { Outcome } from "../provider.ts";
import { AddressRefused } from "./guarded-agent.ts";
import { down, later, refused } from "./outcomes.ts";

/** How long one attempt may take, from its first connection to the last byte of its answer. */
export const ATTEMPT_MS = 10_000;

class TimedOut extends Error {}
class Stopped extends Error {}

/** Runs one attempt. Its signal aborts after `ms`, and with the caller's. */
export async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const stop = (): void => {
    end.abort(new Stopped("the attempt was stopped"));
  };
  const timer = setTimeout(() => {
    end.abort(new TimedOut(`no answer within ${ms} ms`));
  }, ms);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    end.signal.throwIfAborted();
    return await run(end.signal);
  } catch (error) {
    throw end.signal.aborted ? end.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * The code of an error, or of what caused it. Codes name no address: `ECONNREFUSED`. Messages have addresses
 * and hosts.
 */
function codeOf(error: unknown): string | undefined {
  let found: string | undefined;
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) found = code;
  }
  return found;
}

/** What an attempt without an answer came to. */
export function outcomeOfError(error: unknown): Outcome {
  if (error instanceof AddressRefused) return refused(error.message);
  if (error instanceof TimedOut) return down("no answer in time");
  if (error instanceof Stopped) return later("the attempt was stopped");
  // Some of undici's have no code.
  if (error instanceof errors.HTTPParserError) return down("the provider's answer is not HTTP");
  const code = codeOf(error);
  // A defect of ours: the others go on, and this one is tried again until it is too old.
  if (code === undefined) return later(`failed: ${error instanceof Error ? error.name : typeof error}`);
  return down(`the provider cannot be reached: ${code}`);
}

/** A JSON text's map; an empty one if the text is anything else. */
export function mapOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
