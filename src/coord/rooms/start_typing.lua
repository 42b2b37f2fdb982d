-- A participant types; the partner sees it until it fades or is stopped.
-- KEYS: 1 room, 2 timers
-- ARGV: 1 room, 2 user, 3 fades at, ms
-- returns: "typing" | "no_room"
-- twice: the fading moves to the same time; the partner is told again, which shows the same
local r = redis.call('HMGET', KEYS[1], 'nodes', 'to', 's:' .. ARGV[2])
if not r[1] or not r[3] then return {'no_room'} end
redis.call('HSET', KEYS[1], 't:' .. ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[3], 'fade|' .. ARGV[1] .. '|' .. ARGV[2])
rooms.tell(r[1], table.concat({rooms.others(r[2], ARGV[2]), 'typing', ARGV[1], ARGV[2], 'on', now_text}, US))
return {'typing'}
