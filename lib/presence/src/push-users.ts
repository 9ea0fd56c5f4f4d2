import { scriptOf } from "./named-script.ts";
import type { RedisData } from "./redis-data.ts";

/** A rebuild that says nothing for this long has ended, and another process may begin. */
const LOCK_MS = 30_000;
/**
 * A registration counts for a rebuild that begins this long after it: what the rebuild reads of KV may come
 * from a replica that lags.
 */
const RECENT_MS = 60_000;
/** The set is rebuilt after this long, so that those leave it who have no device any more. */
const FRESH_MS = 24 * 3_600_000;
/** Users that one script adds. */
const USERS_PER_SCRIPT = 1_000;
/** A member that is no user. With it the set exists once it is complete, even if it has nobody. */
const MARK = "*";

/**
 * Keys: 'p' the set, 'p:new' the one that is being made, 'p:lock' who makes it, 'p:recent' who registered
 * lately, by time, 'p:fresh' while no new one is needed.
 */
const PUSH = `
local set = ARGV[1] .. 'p'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Arguments: the time that is recent, user. */
const ADD = scriptOf(`${PUSH}
for _, key in ipairs({ set, set .. ':new' }) do
  if redis.call('EXISTS', key) == 1 then redis.call('SADD', key, ARGV[3]) end
end
redis.call('ZADD', set .. ':recent', now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', set .. ':recent', '-inf', now - ARGV[2])
redis.call('PEXPIRE', set .. ':recent', ARGV[2])
return ''
`);

/** Returns whether there is a set and it needs no rebuild. */
const IS_FRESH = scriptOf(`${PUSH}
return redis.call('EXISTS', set) * redis.call('EXISTS', set .. ':fresh')
`);

/** Arguments: who makes it, ms of the lock. Returns whether it may. */
const BEGIN = scriptOf(`${PUSH}
if not redis.call('SET', set .. ':lock', ARGV[2], 'NX', 'PX', ARGV[3]) then return 0 end
redis.call('UNLINK', set .. ':new')
redis.call('SADD', set .. ':new', '${MARK}')
redis.call('PEXPIRE', set .. ':new', ARGV[3])
local recent = redis.call('ZRANGE', set .. ':recent', 0, -1)
for i = 1, #recent do redis.call('SADD', set .. ':new', recent[i]) end
return 1
`);

/** Arguments: who makes it, ms of the lock, user*. Returns whether it still may. */
const FILL = scriptOf(`${PUSH}
if redis.call('GET', set .. ':lock') ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', set .. ':lock', ARGV[3])
redis.call('PEXPIRE', set .. ':new', ARGV[3])
redis.call('SADD', set .. ':new', unpack(ARGV, 4))
return 1
`);

/** Arguments: who makes it, ms for which it is fresh. Returns whether it is the set now. */
const FINISH = scriptOf(`${PUSH}
if redis.call('GET', set .. ':lock') ~= ARGV[2] or redis.call('EXISTS', set .. ':new') == 0 then return 0 end
redis.call('UNLINK', set)
redis.call('RENAME', set .. ':new', set)
redis.call('PERSIST', set)
redis.call('SET', set .. ':fresh', '1', 'PX', ARGV[3])
redis.call('DEL', set .. ':lock')
return 1
`);

/** Arguments: who makes it. */
const GIVE_UP = scriptOf(`${PUSH}
if redis.call('GET', set .. ':lock') == ARGV[2] then redis.call('DEL', set .. ':lock', set .. ':new') end
return ''
`);

/**
 * The users who have a registration for push, and maybe some who had one: a set in Redis, rebuilt from KV.
 * While it does not exist, everybody counts.
 */
export class PushUsers {
  readonly #data: Pick<RedisData, "script">;

  constructor(data: Pick<RedisData, "script">) {
    this.#data = data;
  }

  /**
   * Adds a user. It is called before the registration is written, so that a crash leaves nobody out, and
   * after it, since Redis may have lost its data meanwhile. Rejects if Redis does not answer.
   */
  async add(user: string): Promise<void> {
    await this.#data.script(ADD, [RECENT_MS, user]);
  }

  async isFresh(): Promise<boolean> {
    return (await this.#data.script(IS_FRESH, [])) === 1;
  }

  /**
   * Makes the set anew of `users`, and puts it in the place of the old one at once. Who is added meanwhile is
   * in it. Returns false if another process makes it, or if this one was too slow.
   */
  async rebuild(maker: string, users: AsyncIterable<string>): Promise<boolean> {
    if ((await this.#data.script(BEGIN, [maker, LOCK_MS])) !== 1) return false;
    try {
      let batch: string[] = [];
      const fill = async (): Promise<boolean> => {
        const filled =
          batch.length === 0 || (await this.#data.script(FILL, [maker, LOCK_MS, ...batch])) === 1;
        batch = [];
        return filled;
      };
      for await (const user of users) {
        batch.push(user);
        if (batch.length >= USERS_PER_SCRIPT && !(await fill())) return false;
      }
      return (await fill()) && (await this.#data.script(FINISH, [maker, FRESH_MS])) === 1;
    } catch (error) {
      // The lock ends by itself if Redis is gone.
      await this.#data.script(GIVE_UP, [maker]).catch(() => undefined);
      throw error;
    }
  }
}
