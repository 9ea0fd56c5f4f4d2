import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { scriptOf } from "./named-script.ts";
import { LISTS_OF } from "./presence-scripts.ts";

/**
 * Most devices of a user whose credential is remembered. The one that said hello first is forgotten first.
 */
const KNOWN_DEVICES_MAX = 100;
/** As long as a credential may be valid. */
const CREDENTIAL_SECONDS = REVOCATION_TTL_MS / 1_000;

/**
 * Arguments: keep (seconds), heads, syncing, devices, least time, 'user device connector session birth
 * credential'*. Registers each session. Returns for each its birth and what it displaced, then the time, then
 * the lists of the first `syncing` users. Births and times are in microseconds. What a session displaced is a
 * line for its own device, and a line with the device for each of the user's oldest sessions beyond
 * `devices`. Sessions of dead connectors do not count.
 *
 * The birth of a hello begins with '+': the latest time at which it can have left its connector, or now if
 * the connector does not know Redis's time. '-' is the age of a session that was not registered at its hello.
 *
 * A hello displaces the session of its device, unless that one was born later: then this hello was delayed. A
 * birth in the future comes from a wrong clock and proves nothing. A session that registers again, with its
 * birth or its age, does not displace a younger session that lives.
 *
 * All sessions are registered before a list is read, so later events reach them.
 */
const ARRIVE = `${LISTS_OF}
local ENTRY = '^(%S+) (%S+) (%S+)$'
local clock = redis.call('TIME')
local time = math.max(clock[1] * 1000000 + clock[2], tonumber(ARGV[6]))
local devicesMax = tonumber(ARGV[5])
local function put(key, device, session, birth)
  local text = string.format('%.0f', birth)
  redis.call('HSET', key, device, session .. ' ' .. text)
  return text
end
local function crowdOut(key, own, session, birth, isHello, lines)
  local all, found = redis.call('HGETALL', key), {}
  for j = 1, #all, 2 do
    local device, entry = all[j], all[j + 1]
    local host, _, born = string.match(entry, ENTRY)
    if device == own or redis.call('EXISTS', prefix .. 'c:' .. host) == 1 then
      found[#found + 1] = { device = device, entry = entry, birth = tonumber(born) }
    else
      redis.call('HDEL', key, device)
    end
  end
  if isHello then
    for j = 1, #found do
      if found[j].device ~= own then birth = math.max(birth, found[j].birth + 1) end
    end
  end
  local text = put(key, own, session, birth)
  for j = 1, #found do
    if found[j].device == own then found[j].birth = birth end
  end
  table.sort(found, function(a, b)
    if a.birth == b.birth then return a.device < b.device end
    return a.birth < b.birth
  end)
  for j = 1, #found - devicesMax do
    redis.call('HDEL', key, found[j].device)
    lines[#lines + 1] = found[j].device .. ' ' .. found[j].entry
  end
  return text
end
local function remember(user, device, credential)
  local key = prefix .. 'k:' .. user
  if redis.call('HSET', key, device, credential) == 1 and redis.call('HLEN', key) > ${KNOWN_DEVICES_MAX} then
    local all, oldest, least = redis.call('HGETALL', key), nil, math.huge
    for i = 1, #all, 2 do
      local at = tonumber(string.match(all[i + 1], '^%d+'))
      if at < least and all[i] ~= device then oldest, least = all[i], at end
    end
    if oldest then redis.call('HDEL', key, oldest) end
  end
  redis.call('EXPIRE', key, ${CREDENTIAL_SECONDS})
end
local function bornAt(text)
  if text == '+' then return time end
  if string.sub(text, 1, 1) == '+' then return math.min(tonumber(string.sub(text, 2)), time) end
  local birth = tonumber(text)
  return birth < 0 and time + birth or birth
end
local function register(user, device, session, text, credential)
  local key = prefix .. 's:' .. user
  local devices = redis.call('HLEN', key)
  local known = devices > 0 and redis.call('HGET', key, device)
  local isHello = string.sub(text, 1, 1) == '+'
  local birth = bornAt(text)
  if known then
    local host, other, born = string.match(known, ENTRY)
    born = tonumber(born)
    if other == string.match(session, '%S+$') then
      known, birth = false, math.max(birth, born)
    elseif born > birth and (not isHello or born <= time)
      and redis.call('EXISTS', prefix .. 'c:' .. host) == 1 then
      return string.format('%.0f', birth) .. '\\nyounger'
    elseif isHello then birth = math.max(birth, born + 1)
    end
  else
    devices = devices + 1
  end
  local born = put(key, device, session, birth)
  redis.call('EXPIRE', key, ARGV[2])
  remember(user, device, credential)
  if devices <= devicesMax then return known and born .. '\\n' .. known or born end
  local lines = { '', known or '' }
  lines[1] = crowdOut(key, device, session, birth, isHello, lines)
  return table.concat(lines, '\\n')
end
local displaced, syncing, first = {}, {}, 7
for i = first, #ARGV do
  local user, device, session, birth, credential =
    string.match(ARGV[i], '^(%S+) (%S+) (%S+ %S+) (%S+) (%S+)$')
  displaced[#displaced + 1] = register(user, device, session, birth, credential)
  if i < first + tonumber(ARGV[4]) then syncing[#syncing + 1] = user end
end
local now = string.format('%.0f', time)
if #syncing == 0 then return { displaced, now } end
return { displaced, now, listsOf(syncing, tonumber(ARGV[3]), 0) }
`;

export const ARRIVE_SCRIPT = scriptOf(ARRIVE);
