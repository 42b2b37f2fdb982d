-- The longest waiting seekers, for the keeper to pair.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 how many at most
-- returns: "seekers" total, then user since entry, user since entry, ...
-- twice: reads only
local waiting = redis.call('ZRANGE', KEYS[1], '0', ARGV[1] - 1, 'WITHSCORES')
local reply = {'seekers', redis.call('ZCARD', KEYS[1])}
for i = 1, #waiting, 2 do
  reply[#reply + 1] = waiting[i]
  reply[#reply + 1] = waiting[i + 1]
  reply[#reply + 1] = redis.call('HGET', KEYS[2], waiting[i]) or ''
end
return reply
