-- Both users are claimed: they take their seats with all their sockets, and are told.
-- KEYS: 1 room, 2 timers, 3 sets of rooms per node (without the node), 4 log
-- ARGV: 1 room, 2 idle at, ms, 3 until when the seat of somebody without a socket is held, ms, 4 user a, 5 places of a, 6 user b, 7 places of b
-- returns: "announced" | "gone" (swept away) | "there" (announced before; it may have ended since)
-- twice: the room is open already
local r = rooms.read(KEYS[1])
if not r or r.state == 'discarded' then return {'gone'} end
if r.state ~= 'opening' then return {'there'} end
local k = rooms.opening(KEYS[2], KEYS[3], ARGV[2], ARGV[3])
table.insert(k.over, 'opening|' .. ARGV[1])
local sockets = {{}, {}}
for i = 1, 2 do
  for at, sid in string.gmatch(ARGV[3 + 2 * i], '(%S+)/(%S+)') do sockets[i][sid] = at end
end
rooms.announce(k, r, ARGV[1], KEYS[4], ARGV[4], sockets[1], ARGV[6], sockets[2])
rooms.opened(k)
return {'announced'}
