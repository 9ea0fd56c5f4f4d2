import type { Clock } from "@jichat/protocol/clock.ts";
import type { Log } from "./ports.ts";

const EVERY_MS = 10_000;

/**
 * A log that repeats no line within ten seconds: a backend that is down fails thousands of pushes at once.
 * Lines are texts of the code, so there are few of them.
 */
export function sparing(log: Log, clock: Pick<Clock, "monotonic">): Log {
  const told = new Map<string, number>();
  const isNews = (line: string): boolean => {
    const now = clock.monotonic();
    if (now - (told.get(line) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return false;
    told.set(line, now);
    return true;
  };
  return {
    warn: (of, line) => {
      if (isNews(line)) log.warn(of, line);
    },
    error: (of, line) => {
      if (isNews(line)) log.error(of, line);
    },
  };
}
