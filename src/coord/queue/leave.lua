-- Takes a seeker out of the queue.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 user, 2 ticket
-- returns: "left" | "not_there" (not waiting, or with another ticket)
-- twice: the second time the seeker is not there
local entry = redis.call('HGET', KEYS[2], ARGV[1])
if not entry or string.sub(entry, 1, #ARGV[2] + 1) ~= ARGV[2] .. '|' then return {'not_there'} end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return {'left'}
