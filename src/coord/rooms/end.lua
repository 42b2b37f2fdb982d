-- A participant ends the room.
-- KEYS: 1 room, 2 log, 3 timers, 4 journal, 5 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 user, 3 why, 4 ttl of the tombstone, ms, 5 when the people are let go of at the latest, ms
-- returns: "ended" people | "no_room"
-- twice: the second time there is no open room
local r = rooms.read(KEYS[1])
if not r or r.state ~= 'open' or not r.seat[ARGV[2]] then return {'no_room'} end
local k = {log = KEYS[2], timers = KEYS[3], journal = KEYS[4], base = KEYS[5], release_at = ARGV[5]}
return rooms.close(r, k, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
