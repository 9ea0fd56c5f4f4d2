import { hash } from "node:crypto";

/** A script and the name that Redis keeps it under: it travels once per run of Redis, not once per call. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export type RunScript = (script: Script, args: readonly (string | number)[]) => Promise<unknown>;

/** One that looks for no name. */
const bare = (lua: string): Script => ({ lua, sha: hash("sha1", lua) });
export const scriptOf = (lua: string): Script => bare(NAMED + lua);

/**
 * ARGV[1] is always the key prefix. KEYS[1] has the name of the data that is there, with which the prefix
 * ends: under another name nothing is read or written.
 */
const NAMED = `
local name = redis.call('GET', KEYS[1])
if not name or string.sub(ARGV[1], -#name - 2) ~= ':' .. name .. ':' then
  return redis.error_reply('LOST the data that was here')
end
`;

/**
 * prefix under the server's run_id, how the server is known, its run_id, a name that nobody knows: the name
 * of what is there. The version before takes the run_id for it: so does who comes to its data, or from
 * another server. Who knew data here that has no name any more makes one that it did not have.
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

/** name: what has no end of its own goes. */
const RENAME = `
redis.call('SET', KEYS[1], ARGV[2])
redis.call('UNLINK', ARGV[1] .. 'done', ARGV[1] .. 'folded', ARGV[1] .. 'users')
return ''
`;

export const NAME_SCRIPTS = { name: bare(NAME), rename: scriptOf(RENAME) } as const;
