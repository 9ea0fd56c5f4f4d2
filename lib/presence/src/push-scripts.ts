import { scriptOf } from "./named-script.ts";

/**
 * Lua for push workers (`named-script.ts`). Keys: `n:<note>` is the newest seq that a device was pushed of a
 * conversation; `b:<user>` has, by conversation, the number of the newest message that the user may not have
 * read; `push` is the time since which workers know this data.
 */

/** As long as a message is worth a push. */
const NOTE_SECONDS = 24 * 3_600;
/** Most conversations that a badge is made of. */
const UNREAD_MAX = 200;
/** After this, the unread conversations are found in the list again: so nothing wrong stays. */
const UNREAD_SECONDS = 3_600;
/** Conversations that one script looks at. (Redis passes a list of up to 512 in one piece.) */
const WALK_COUNT = 100;

/**
 * Arguments: keep (seconds), then 'user conversation no note*'*. Returns how long this data has been known to
 * workers (milliseconds), then three lines for each: the list entry, 'device connector'* of sessions with
 * living connectors, and the seq of each note. If the user's unread conversations are known, this one is
 * among them now.
 */
const PUSH_FACTS = `
local prefix = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local since = redis.call('GET', prefix .. 'push')
if not since then
  since = string.format('%.0f', now)
  redis.call('SET', prefix .. 'push', since)
end
redis.call('EXPIRE', prefix .. 'push', ARGV[2])
local alive, found = {}, { string.format('%.0f', now - since) }
local function living(user)
  local sessions, lines = redis.call('HGETALL', prefix .. 's:' .. user), {}
  for i = 1, #sessions, 2 do
    local connector = string.match(sessions[i + 1], '^%S+')
    if alive[connector] == nil then
      alive[connector] = redis.call('EXISTS', prefix .. 'c:' .. connector) == 1
    end
    if alive[connector] then lines[#lines + 1] = sessions[i] .. ' ' .. connector end
  end
  return table.concat(lines, ' ')
end
local function isUnread(user, conversation, no)
  local key = prefix .. 'b:' .. user
  if no == 0 or redis.call('EXISTS', key) == 0 then return end
  local known = redis.call('HGET', key, conversation)
  if known and tonumber(known) >= no then return end
  if known or redis.call('HLEN', key) < ${UNREAD_MAX} then redis.call('HSET', key, conversation, no) end
end
for i = 3, #ARGV do
  local user, conversation, no, notes = string.match(ARGV[i], '^(%S+) (%S+) (%d+)(.*)$')
  found[#found + 1] = redis.call('HGET', prefix .. 'u:' .. user, conversation) or ''
  found[#found + 1] = living(user)
  local shown = {}
  for note in string.gmatch(notes, '%S+') do
    shown[#shown + 1] = redis.call('GET', prefix .. 'n:' .. note) or '0'
  end
  found[#found + 1] = table.concat(shown, ' ')
  isUnread(user, conversation, tonumber(no))
end
return table.concat(found, '\\n')
`;

/** Arguments: 'note seq'*. */
const PUSH_NOTE = `
for i = 2, #ARGV do
  local note, seq = string.match(ARGV[i], '^(%S+) (%d+)$')
  local key = ARGV[1] .. 'n:' .. note
  local known = redis.call('GET', key)
  if not known or tonumber(known) < tonumber(seq) then redis.call('SET', key, seq, 'EX', ${NOTE_SECONDS}) end
end
return ''
`;

/** Arguments: 'note seq'*. Deletes each note that still has this seq. */
const PUSH_FORGET = `
for i = 2, #ARGV do
  local note, seq = string.match(ARGV[i], '^(%S+) (%d+)$')
  if redis.call('GET', ARGV[1] .. 'n:' .. note) == seq then redis.call('DEL', ARGV[1] .. 'n:' .. note) end
end
return ''
`;

const MUTED = `
local function entryOf(text)
  local no, left, settings = string.match(text, '^%S+ %S+ %S+ (%d+) (%d+)(.*)$')
  return tonumber(no), left, settings
end
local function isMuted(settings, now)
  local mute = string.match(settings, '"muted":({[^}]*})')
  if not mute then return false end
  local ends = string.match(mute, '"until":(%d+)')
  return not ends or tonumber(ends) > now
end
`;

/**
 * Arguments: now (milliseconds since 1970), user*. Returns for each the number of unread messages in
 * conversations that are not muted; 'walk' if they have to be found in the list first; '' if nobody knows
 * them, since the list is not complete.
 */
const PUSH_UNREAD = `${MUTED}
local prefix, now, found = ARGV[1], tonumber(ARGV[2]), {}
local function unreadOf(user)
  local list, key = prefix .. 'u:' .. user, prefix .. 'b:' .. user
  if redis.call('HEXISTS', list, '*') == 0 then return '' end
  if redis.call('HEXISTS', key, '*') == 0 then return 'walk' end
  local known, sum = redis.call('HGETALL', key), 0
  for i = 1, #known, 2 do
    local conversation = known[i]
    local entry = conversation ~= '*' and conversation ~= '-' and redis.call('HGET', list, conversation)
    if entry then
      local read, left, settings = entryOf(entry)
      local unread = tonumber(known[i + 1]) - read
      if unread <= 0 or left ~= '0' then redis.call('HDEL', key, conversation)
      elseif not isMuted(settings, now) then sum = sum + unread end
    end
  end
  return string.format('%.0f', sum)
end
for i = 3, #ARGV do found[#found + 1] = unreadOf(ARGV[i]) end
return found
`;

/**
 * Arguments: user, cursor. Looks at a part of the user's list, and puts what is unread into 'b:'. Returns the
 * next cursor, or '0' after the last part. A head that is not whole has no number, and counts as read.
 */
const PUSH_WALK = `${MUTED}
local prefix, user, cursor = ARGV[1], ARGV[2], ARGV[3]
local list, key = prefix .. 'u:' .. user, prefix .. 'b:' .. user
if cursor == '0' then
  redis.call('DEL', key)
  redis.call('HSET', key, '-', '1')
  redis.call('EXPIRE', key, ${UNREAD_SECONDS})
end
local part = redis.call('HSCAN', list, cursor, 'COUNT', ${WALK_COUNT})
local fields = part[2]
for i = 1, #fields, 2 do
  local conversation = fields[i]
  if conversation ~= '*' and conversation ~= '!' then
    local read, left = entryOf(fields[i + 1])
    local head = left == '0' and redis.call('HGET', prefix .. 'h:' .. conversation, 'v')
    local no = head and tonumber(string.match(head, '"no":(%d+)'))
    local known = redis.call('HGET', key, conversation)
    local isNews = no and no > read and (not known or tonumber(known) < no)
    if isNews and redis.call('HLEN', key) < ${UNREAD_MAX} then
      redis.call('HSET', key, conversation, no)
    end
  end
end
if part[1] == '0' then redis.call('HSET', key, '*', '1') end
return part[1]
`;

export const PUSH_SCRIPTS = {
  facts: scriptOf(PUSH_FACTS),
  note: scriptOf(PUSH_NOTE),
  forget: scriptOf(PUSH_FORGET),
  unread: scriptOf(PUSH_UNREAD),
  walk: scriptOf(PUSH_WALK),
} as const;
