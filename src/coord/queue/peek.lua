-- The longest waiting seekers, for the keeper to pair.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 how many at most
-- returns: "seekers" total, then user since entry, user since entry, ...
-- twice: reads only
local waiting = redis.call('ZRANGE', KEYS[1], '0', ARGV[1] - 1, 'WITHSCORES')
local reply = {'seekers', redis.call('ZCARD', KEYS[1])}
-- Pieces that Lua's stack holds.
for from = 1, #waiting, 1000 do
  local people = {}
  for i = from, math.min(from + 998, #waiting), 2 do people[#people + 1] = waiting[i] end
  for i, entry in ipairs(redis.call('HMGET', KEYS[2], unpack(people))) do
    local at = from + 2 * (i - 1)
    reply[#reply + 1] = waiting[at]
    reply[#reply + 1] = waiting[at + 1]
    reply[#reply + 1] = entry or ''
  end
end
return reply
