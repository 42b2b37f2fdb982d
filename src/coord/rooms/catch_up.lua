-- Sends a participant's socket the lines it may have missed while notices were lost, before anything newer.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 sid, 4 first line that may be missing (ms-seq)
-- returns: "caught_up" number of lines | "no_room"
-- twice: the same lines are sent again
local r = redis.call('HMGET', KEYS[1], 'nodes', 's:' .. ARGV[2])
if not r[1] or not r[2] then return {'no_room'} end
return {'caught_up', rooms.replay(KEYS[2], ARGV[1], ARGV[3], ARGV[4])}
