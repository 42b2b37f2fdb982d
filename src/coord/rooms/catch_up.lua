-- Sends a participant's socket what it may have missed while notices were lost, before anything newer.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 sid, 4 first entry that may be missing (ms-seq)
-- returns: "caught_up" number of entries | "no_room"
-- twice: the same lines are sent again
local r = redis.call('HMGET', KEYS[1], 'nodes', 's:' .. ARGV[2])
if not r[1] or not r[2] then return {'no_room'} end
local missed = redis.call('XRANGE', KEYS[2], ARGV[4], '+')
for _, entry in ipairs(missed) do notify(node, 'n', '@' .. ARGV[3] .. US .. rooms.entry(ARGV[1], entry)) end
return {'caught_up', #missed}
