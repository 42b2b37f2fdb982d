-- Puts a seeker into the queue, at the place of the time of entering.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 user, 2 ticket, 3 entered at, ms, 4 eligible from, ms, 5 recent partners ("user ms,user ms,...")
-- returns: "joined" position (1 is the front) total
-- twice: a seeker with the same ticket keeps the place; a new ticket replaces the old
local entry = ARGV[2] .. '|' .. ARGV[4] .. '|' .. ARGV[5]
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], entry)
return {'joined', redis.call('ZRANK', KEYS[1], ARGV[1]) + 1, redis.call('ZCARD', KEYS[1])}
