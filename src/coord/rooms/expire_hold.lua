-- The timer of a held seat: whoever has not come back by now has lost it, and the room ends.
-- KEYS: 1 room, 2 log, 3 timers, 4 journal, 5 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 user, 3 ttl of the tombstone, ms, 4 when the people are let go of at the latest, ms
-- returns: "ended" people | "not_due" (back, or held anew) | "no_room"
-- twice: the second time there is no open room
local r = rooms.read(KEYS[1])
if not r or r.state ~= 'open' then return {'no_room'} end
local until_ms = string.match(r.seat[ARGV[2]] or '', '^h (%d+)')
if not until_ms or tonumber(until_ms) > now then return {'not_due'} end
local k = {log = KEYS[2], timers = KEYS[3], journal = KEYS[4], base = KEYS[5], release_at = ARGV[4]}
return rooms.close(r, k, ARGV[1], ARGV[2], 'disconnected', ARGV[3])
