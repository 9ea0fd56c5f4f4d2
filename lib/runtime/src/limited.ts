import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/** Waits for `answer` for at most `ms`; then throws UNAVAILABLE. The later result of `answer` is ignored. */
export async function limited<T>(
  what: string,
  ms: number,
  answer: Promise<T>,
  clock: Pick<Clock, "sleep"> = systemClock,
): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(() => {
    throw new ChatError("UNAVAILABLE", `${what} took longer than ${ms} ms`, { retryAfterMs: 1_000 });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort(new Error("it is answered"));
    late.catch(() => undefined);
  }
}
