-- What somebody who was in the room has not heard of it: the room may have ended since.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 last entry heard, or "-" for none
-- returns: "retold" missed... | "cut" (not all of it is there) | "gone" (no such room, or it was never the user's)
-- twice: the same is told again
local people = redis.call('HGET', KEYS[1], 'to')
if not people or not string.find(' ' .. people .. ' ', ' ' .. ARGV[2] .. ' ', 1, true) then return {'gone'} end
local missed, whole = rooms.since(KEYS[2], ARGV[1], ARGV[3])
if not whole then return {'cut'} end
table.insert(missed, 1, 'retold')
return missed
