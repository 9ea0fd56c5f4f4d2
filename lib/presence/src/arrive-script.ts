import { scriptOf } from "./named-script.ts";
import { LISTS_OF } from "./presence-scripts.ts";

/**
 * keep, heads, syncing, devices, least time, 'user device connector session birth'*: its birth, whom each
 * session displaced, then the lists of the first so many, and the time. Births and the time are in
 * microseconds. What a session displaced is a line for its own device, and a line with the device for each
 * that is older than so many of the user's; those of connectors that are gone do not count.
 *
 * Whoever says hello is born when that leaves, '+', or now where its connector does not know the time; and
 * displaces whoever stands there: unless that one was born since, so that this hello was long on its way. A
 * birth that is still to come is of a wrong clock, and proves nothing. Of one that was not registered with
 * its hello it is told how long ago that was, '-'. A session that is registered again, with its birth or so,
 * does not displace a younger one that lives. All are registered before a list is read: what comes later
 * reaches them.
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
local function bornAt(text)
  if text == '+' then return time end
  if string.sub(text, 1, 1) == '+' then return math.min(tonumber(string.sub(text, 2)), time) end
  local birth = tonumber(text)
  return birth < 0 and time + birth or birth
end
local function register(user, device, session, text)
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
  if devices <= devicesMax then return known and born .. '\\n' .. known or born end
  local lines = { '', known or '' }
  lines[1] = crowdOut(key, device, session, birth, isHello, lines)
  return table.concat(lines, '\\n')
end
local displaced, syncing, first = {}, {}, 7
for i = first, #ARGV do
  local user, device, session, birth = string.match(ARGV[i], '^(%S+) (%S+) (%S+ %S+) (%S+)$')
  displaced[#displaced + 1] = register(user, device, session, birth)
  if i < first + tonumber(ARGV[4]) then syncing[#syncing + 1] = user end
end
local now = string.format('%.0f', time)
if #syncing == 0 then return { displaced, now } end
return { displaced, now, listsOf(syncing, tonumber(ARGV[3]), 0) }
`;

export const ARRIVE_SCRIPT = scriptOf(ARRIVE);
