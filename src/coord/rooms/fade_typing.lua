-- The timer of somebody who types: shown no longer, unless typing went on or stopped since.
-- KEYS: 1 room
-- ARGV: 1 room, 2 user
-- returns: "faded" | "not_due"
-- twice: the second time nobody types
local r = redis.call('HMGET', KEYS[1], 'nodes', 'to', 't:' .. ARGV[2])
if not r[1] or not r[3] or tonumber(r[3]) > now then return {'not_due'} end
redis.call('HDEL', KEYS[1], 't:' .. ARGV[2])
rooms.tell(r[1], table.concat({rooms.others(r[2], ARGV[2]), 'typing', ARGV[1], ARGV[2], 'off', now_text}, US))
return {'faded'}
