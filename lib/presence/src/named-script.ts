import { hash } from "node:crypto";

/**
 * A script and its SHA-1, under which Redis caches it. It is sent once per run of Redis, not with each call.
 */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export type RunScript = (script: Script, args: readonly (string | number)[]) => Promise<unknown>;

/** A script that does not check the data's name. */
const bare = (lua: string): Script => ({ lua, sha: hash("sha1", lua) });
export const scriptOf = (lua: string): Script => bare(NAMED + lua);

/**
 * ARGV[1] is always the key prefix. KEYS[1] holds the name of the current data, with which the prefix must
 * end. Under another name nothing is read or written.
 */
const NAMED = `
local name = redis.call('GET', KEYS[1])
if not name or string.sub(ARGV[1], -#name - 2) ~= ':' .. name .. ':' then
  return redis.error_reply('LOST the data that was here')
end
`;

/**
 * Arguments: prefix under the server's run_id, how the process knows the server ('new', 'restarted',
 * 'known'), the run_id, a fresh name. Returns the name of the data, and gives it one if it has none. The name
 * is the run_id, as in the previous version, if the server was restarted, or if a new process finds data of
 * the previous version. Otherwise it is the fresh name: data that lost its name must not get a name back that
 * it had before.
 */
const NAME = `
local name = redis.call('GET', KEYS[1])
if name then return name end
local ours, server, run, fresh = unpack(ARGV)
local isRun = server == 'restarted' or (server == 'new' and redis.call('EXISTS', ours .. 'done') == 1)
name = isRun and run or fresh
redis.call('SET', KEYS[1], name)
return name
`;

/** Arguments: new name. Renames the data, and deletes the keys that do not expire. */
const RENAME = `
redis.call('SET', KEYS[1], ARGV[2])
redis.call('UNLINK', ARGV[1] .. 'done', ARGV[1] .. 'folded', ARGV[1] .. 'users', ARGV[1] .. 'p')
return ''
`;

export const NAME_SCRIPTS = { name: bare(NAME), rename: scriptOf(RENAME) } as const;
