import { systemClock } from "@jichat/protocol/clock.ts";
import type { RunScript } from "./named-script.ts";
import { scriptOf } from "./named-script.ts";

/** Departures are gathered for this long. Nobody waits for them, and a session that is gone costs little. */
const GATHER_MS = 20;
/** Most sessions that one script removes: Redis does nothing else while it runs. */
const SESSIONS_PER_SCRIPT_MAX = 256;

/** Arguments: 'user device session'*. Removes each session that its device still has. */
const UNREGISTER = scriptOf(`
for i = 2, #ARGV do
  local user, device, session = string.match(ARGV[i], '^(%S+) (%S+) (%S+)$')
  local key = ARGV[1] .. 's:' .. user
  local known = redis.call('HGET', key, device)
  if known and string.match(known, '^%S+ (%S+)') == session then redis.call('HDEL', key, device) end
end
return ''
`);

/**
 * Removes sessions that have ended from Redis, many in one script. A script and its way to Redis cost more
 * than the removal of one session, and every connect has a departure too.
 */
export class Departures {
  readonly #run: RunScript;
  #leaving: string[] = [];
  #gone: Promise<void> | undefined;

  constructor(run: RunScript) {
    this.#run = run;
  }

  /** Resolves once the session is removed. Rejects if Redis did not remove it. No id has a space. */
  depart(user: string, device: string, session: string): Promise<void> {
    this.#leaving.push(`${user} ${device} ${session}`);
    this.#gone ??= this.#removeSoon();
    return this.#gone;
  }

  async #removeSoon(): Promise<void> {
    await systemClock.sleep(GATHER_MS);
    const leaving = this.#leaving;
    this.#leaving = [];
    this.#gone = undefined;
    for (let at = 0; at < leaving.length; at += SESSIONS_PER_SCRIPT_MAX)
      await this.#run(UNREGISTER, leaving.slice(at, at + SESSIONS_PER_SCRIPT_MAX));
  }
}
