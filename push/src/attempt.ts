import type { PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import type { Outcome, Provider, Push } from "./provider.ts";

/** Longest attempt, whatever the provider's own limit is. */
const ATTEMPT_MAX_MS = 30_000;

/** Makes one attempt. Its limit leaves no timer behind: thousands are made in each second. */
export async function attempt(provider: Provider, target: PushTarget, push: Push): Promise<Outcome> {
  const over = new AbortController();
  const timer = setTimeout(() => {
    over.abort(new Error(`an attempt took longer than ${ATTEMPT_MAX_MS} ms`));
  }, ATTEMPT_MAX_MS);
  timer.unref();
  try {
    return await provider.send(target, push, over.signal);
  } finally {
    clearTimeout(timer);
  }
}
