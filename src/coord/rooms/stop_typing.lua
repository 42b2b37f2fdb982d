-- A participant says that the typing has stopped.
-- KEYS: 1 room, 2 timers
-- ARGV: 1 room, 2 user
-- returns: "stopped" | "no_room"
-- twice: the partner is told again, which shows the same
local r = redis.call('HMGET', KEYS[1], 'nodes', 'to', 's:' .. ARGV[2])
if not r[1] or not r[3] then return {'no_room'} end
redis.call('HDEL', KEYS[1], 't:' .. ARGV[2])
redis.call('ZREM', KEYS[2], 'fade|' .. ARGV[1] .. '|' .. ARGV[2])
rooms.tell(r[1], table.concat({rooms.others(r[2], ARGV[2]), 'typing', ARGV[1], ARGV[2], 'off', now_text}, US))
return {'stopped'}
