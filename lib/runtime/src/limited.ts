import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/** UNAVAILABLE when `answer` takes longer than `ms`: what becomes of it then nobody hears. */
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
