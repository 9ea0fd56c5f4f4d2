import { SYNC_LIMIT_DEFAULT } from "@jichat/protocol/limits.ts";
import { scriptOf } from "./named-script.ts";

/**
 * Lua that runs in Redis (`named-script.ts`). Every value carries its log position; a value with a lower one
 * is refused. ARGV[1] is the prefix; comments name the arguments after it.
 */

/** Seconds for which the set of connectors outlives the last of them. */
const CONNECTORS_KEEP_SECONDS = 7 * 24 * 3_600;

/**
 * Arguments: connector, ms, announcement. Returns whether the connector's key still existed. The set 'cs'
 * names all connectors. A build that announces nothing of itself is not in it.
 */
const RENEW = `
local done = redis.call('SET', ARGV[1] .. 'c:' .. ARGV[2], ARGV[4], 'XX', 'PX', ARGV[3])
if not done then return 0 end
redis.call('SADD', ARGV[1] .. 'cs', ARGV[2])
redis.call('EXPIRE', ARGV[1] .. 'cs', ${CONNECTORS_KEEP_SECONDS})
return 1
`;

/** Arguments: connector, ms, announcement. */
const ANNOUNCE = `
redis.call('SET', ARGV[1] .. 'c:' .. ARGV[2], ARGV[4], 'PX', ARGV[3])
redis.call('SADD', ARGV[1] .. 'cs', ARGV[2])
return redis.call('EXPIRE', ARGV[1] .. 'cs', ${CONNECTORS_KEEP_SECONDS})
`;

/** Returns connector and announcement in turn, of those that live. Forgets the others. */
const CONNECTORS = `
local prefix, found = ARGV[1], {}
local names = redis.call('SMEMBERS', prefix .. 'cs')
for i = 1, #names do
  local text = redis.call('GET', prefix .. 'c:' .. names[i])
  if text then
    found[#found + 1] = names[i]
    found[#found + 1] = text
  else
    redis.call('SREM', prefix .. 'cs', names[i])
  end
end
return found
`;

/** Arguments: connector. */
const ALIVE = `return redis.call('EXISTS', ARGV[1] .. 'c:' .. ARGV[2])`;

/**
 * A head has a brief, 'p', and the whole, 'v', which may be missing. A brief is 'position.ts'. The previous
 * version, which writes and compares positions there, reads it as a number.
 *
 * A value expires `keep` seconds after its expiry was set last: by the first write of each day, not by every
 * message. '!' holds that day. All other fields of a list are conversations, except '*', which says that the
 * list is complete.
 */
const PUT = `
local prefix, keep, today = ARGV[1], ARGV[2], ARGV[3]
local function put(key, day, ...)
  redis.call('HSET', key, ...)
  if day == today then return end
  redis.call('HSET', key, '!', today)
  redis.call('EXPIRE', key, keep)
end
local function head(conversation, brief, value)
  local key = prefix .. 'h:' .. conversation
  local known = redis.call('HMGET', key, 'p', '!')
  local ahead = known[1] and math.floor(known[1]) - math.floor(brief) or -1
  if ahead > 0 then return end
  if ahead == 0 and (value == '' or redis.call('HEXISTS', key, 'v') == 1) then return end
  if value ~= '' then return put(key, known[2], 'p', brief, 'v', value) end
  redis.call('HDEL', key, 'v')
  put(key, known[2], 'p', brief)
end
local function positionOf(text) return tonumber(string.match(text, '^%d+')) end
local function entry(user, conversation, value)
  local key = prefix .. 'u:' .. user
  local known = redis.call('HMGET', key, conversation, '!')
  if known[1] and positionOf(known[1]) >= positionOf(value) then return end
  put(key, known[2], conversation, value)
end
`;

/**
 * Arguments: keep, today, the numbers of heads, entries, unsure users and positions; then (conversation,
 * brief, head or '')*, (user, conversation, entry)*, (partition, position, user)* of unsure users,
 * (partition, position)*, user*. Returns the connectors of each user, and then a digit for each: 1 if the set
 * 'p' has the user, who may then receive pushes. There are no digits without that set: it is not complete. An
 * unsure user's list is incomplete until storage has told it as of that position or later.
 */
const PUBLISH = `${PUT}
local at = 8
local function each(count, width, act)
  for _ = 1, tonumber(count) do
    act(ARGV[at], ARGV[at + 1], ARGV[at + 2])
    at = at + width
  end
end
local function rise(key, partition, position)
  local known = redis.call('HGET', prefix .. key, partition)
  if not known or tonumber(known) < tonumber(position) then
    redis.call('HSET', prefix .. key, partition, position)
  end
end
each(ARGV[4], 3, head)
each(ARGV[5], 3, entry)
each(ARGV[6], 3, function(partition, position, user)
  rise('folded', partition, position)
  redis.call('HDEL', prefix .. 'u:' .. user, '*')
end)
each(ARGV[7], 2, function(partition, position) rise('done', partition, position) end)
local alive, found = {}, {}
for i = at, #ARGV do
  local key = prefix .. 's:' .. ARGV[i]
  local sessions = redis.call('HVALS', key)
  local connectors, seen = {}, {}
  for j = 1, #sessions do
    local connector = string.match(sessions[j], '^%S+')
    if alive[connector] == nil then
      alive[connector] = redis.call('EXISTS', prefix .. 'c:' .. connector) == 1
    end
    if alive[connector] then
      if not seen[connector] then
        seen[connector] = true
        connectors[#connectors + 1] = connector
      end
    end
  end
  found[#found + 1] = table.concat(connectors, ' ')
end
local digits = ''
if at <= #ARGV and redis.call('EXISTS', prefix .. 'p') == 1 then
  digits = table.concat(redis.call('SMISMEMBER', prefix .. 'p', unpack(ARGV, at)))
end
found[#found + 1] = digits
return found
`;

/**
 * Arguments: keep, today, user, positions, the number of entries, (conversation, entry)*, (conversation,
 * brief, head or '')*. The last part of a list has `positions`: the position of each partition as of which
 * the list was read. Returns 'old' if the list may lack entries that owners have dropped.
 */
const MERGE = `${PUT}
local user = ARGV[4]
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  entry(user, ARGV[at], ARGV[at + 1])
  at = at + 2
end
while at < #ARGV do
  head(ARGV[at], ARGV[at + 1], ARGV[at + 2])
  at = at + 3
end
if ARGV[5] == '' then return '' end
local partition = 0
for position in string.gmatch(ARGV[5], '%d+') do
  local folded = redis.call('HGET', prefix .. 'folded', partition)
  if folded and tonumber(folded) > tonumber(position) then return 'old' end
  partition = partition + 1
end
put(prefix .. 'u:' .. user, false, '*', '1')
return ''
`;

/** Returns the whole head if the previous version wrote only a position. */
const BRIEF_OF = `
local headKeys = ARGV[1] .. 'h:'
local function briefOf(conversation)
  local brief = redis.call('HGET', headKeys .. conversation, 'p')
  if not brief then return '' end
  if string.find(brief, '.', 1, true) then return brief end
  return redis.call('HGET', headKeys .. conversation, 'v') or ''
end
`;

/** A list of up to this many conversations comes with whole heads, since one page shows all of them. */
const WHOLE_HEADS_MAX = SYNC_LIMIT_DEFAULT;

/**
 * Replies are lines of text, since a reply of thousands of strings costs more: field and value of a hash in
 * turn, and for heads conversation and head. No value has a line break.
 *
 * Returns the done positions. If at least `partitions` of them are known, it also returns the users' lists
 * and the heads (whole, brief or '') of as many lists as `room` heads allow. The order matters: lists and
 * heads hold all effects up to the done positions, which are read first.
 */
export const LISTS_OF = `${BRIEF_OF}
local prefix = ARGV[1]
local function headOf(conversation, isWhole)
  local head = isWhole and redis.call('HGET', headKeys .. conversation, 'v')
  return head or briefOf(conversation)
end
local function listsOf(users, room, partitions)
  local done = redis.call('HGETALL', prefix .. 'done')
  local isEarly = #done / 2 < partitions
  done = table.concat(done, '\\n')
  if isEarly then return { done } end
  local found, heads, seen = { done }, {}, {}
  for i = 1, #users do
    local list = redis.call('HGETALL', prefix .. 'u:' .. users[i])
    found[i + 1] = table.concat(list, '\\n')
    if #list / 2 <= room then
      local isWhole = #list / 2 <= ${WHOLE_HEADS_MAX}
      for j = 1, #list, 2 do
        local conversation = list[j]
        if conversation ~= '*' and conversation ~= '!' and not seen[conversation] then
          seen[conversation] = true
          room = room - 1
          heads[#heads + 1] = conversation
          heads[#heads + 1] = headOf(conversation, isWhole)
        end
      end
    end
  end
  found[#found + 1] = table.concat(heads, '\\n')
  return found
end
`;

/** Arguments: heads, partitions, user*. */
const LISTS = `${LISTS_OF}
return listsOf({ unpack(ARGV, 4) }, tonumber(ARGV[2]), tonumber(ARGV[3]))
`;

/** Arguments: user. Returns for each known device: the device, '1' if it is connected, its credential. */
const DEVICES = `
local prefix, user = ARGV[1], ARGV[2]
local connected, found = {}, {}
local sessions = redis.call('HGETALL', prefix .. 's:' .. user)
for i = 1, #sessions, 2 do
  local host = string.match(sessions[i + 1], '^%S+')
  connected[sessions[i]] = redis.call('EXISTS', prefix .. 'c:' .. host) == 1
end
local known = redis.call('HGETALL', prefix .. 'k:' .. user)
for i = 1, #known, 2 do
  found[#found + 1] = known[i]
  found[#found + 1] = connected[known[i]] and '1' or '0'
  found[#found + 1] = known[i + 1]
end
return found
`;

/**
 * Arguments: (user or '', conversation)*. Returns each whole head, or '' if there is none or the user is no
 * member. A user who was removed after the list was read must not see later events.
 */
const HEADS = `
local prefix, found = ARGV[1], {}
local function isIn(user, conversation)
  local entry = redis.call('HGET', prefix .. 'u:' .. user, conversation)
  return entry and string.match(entry, '%d+$') == '0'
end
for i = 2, #ARGV, 2 do
  local user, conversation = ARGV[i], ARGV[i + 1]
  local isTold = user == '' or isIn(user, conversation)
  found[i / 2] = isTold and redis.call('HGET', prefix .. 'h:' .. conversation, 'v') or ''
end
return found
`;

/** Arguments: conversation*. Returns a line for each. */
const BRIEFS = `${BRIEF_OF}
local found = {}
for i = 2, #ARGV do found[i - 1] = briefOf(ARGV[i]) end
return table.concat(found, '\\n')
`;

export const SCRIPTS = {
  renew: scriptOf(RENEW),
  announce: scriptOf(ANNOUNCE),
  connectors: scriptOf(CONNECTORS),
  alive: scriptOf(ALIVE),
  publish: scriptOf(PUBLISH),
  merge: scriptOf(MERGE),
  devices: scriptOf(DEVICES),
  lists: scriptOf(LISTS),
  heads: scriptOf(HEADS),
  briefs: scriptOf(BRIEFS),
} as const;
