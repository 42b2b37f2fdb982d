-- Seats an offered pair whose people both live on the room's shard: the room is opened, both are taken for it, and told.
-- KEYS: 1 room, 2 timers, 3 sets of rooms per node (without the node), 4 log, 5 users (without the name)
-- ARGV: 1 room, 2 kind, 3 idle at, ms, 4 until when the seat of somebody without a socket is held, ms, 5 rooms that a trail keeps, 6 user a, 7 ticket of a, 8 user b, 9 ticket of b
-- returns: "seated" | "there" (seated before; the room may have ended since) | "parted" who (one could not be had; these seek still)
-- twice: the room is there
local r = rooms.read(KEYS[1]) or rooms.new(KEYS[1], ARGV[2], ARGV[6], ARGV[8])
if r.state and r.state ~= 'opening' then return {'there'} end
local k = rooms.opening(KEYS[2], KEYS[3], ARGV[3], ARGV[4], ARGV[5])
if r.state then table.insert(k.over, 'opening|' .. ARGV[1]) end
local one, other = users.read(KEYS[5] .. ARGV[6], node), users.read(KEYS[5] .. ARGV[8], node)
local had_a, had_b = rooms.pair(k, r, ARGV[1], KEYS[4], {ARGV[6], ARGV[7], one}, {ARGV[8], ARGV[9], other})
rooms.opened(k)
if had_a and had_b then return {'seated'} end
return {'parted', had_a and ARGV[6] or had_b and ARGV[8] or nil}
