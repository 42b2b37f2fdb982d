-- A socket of a participant has gone; the last one leaves the seat held.
-- KEYS: 1 room, 2 timers, 3 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 user, 3 sid, 4 held until, ms, 5 first line that may be missing (ms or ms-seq)
-- returns: "present" (others remain) | "held" | "none"
-- twice: the second time the socket is not in the seat, which is "none"
local r = rooms.read(KEYS[1])
local seat = r and r.seat[ARGV[2]]
if not seat then return {'none'} end
local from, to = string.find(seat .. ' ', ' ' .. node .. '/' .. ARGV[3] .. ' ', 1, true)
if not from then return {'none'} end
seat = string.sub(seat, 1, from - 1) .. string.sub(seat, to)
local word = 'present'
if seat == 'p' then
  word = 'held'
  rooms.hold(r, ARGV[1], ARGV[2], KEYS[2], ARGV[4], ARGV[5])
else
  r.seat[ARGV[2]] = seat
  redis.call('HSET', KEYS[1], 's:' .. ARGV[2], seat)
end
rooms.store_nodes(r, ARGV[1], KEYS[3])
return {word}
