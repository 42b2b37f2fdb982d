-- Both users are claimed: they take their seats with all their sockets, and are told. The notice
-- names the places, so that a node whose socket has gone meanwhile takes it out again; places on dead nodes do not count.
-- KEYS: 1 room, 2 timers, 3 sets of rooms per node (without the node), 4 log
-- ARGV: 1 room, 2 idle at, ms, 3 until when the seat of somebody without a socket is held, ms, 4 user a, 5 places of a, 6 user b, 7 places of b
-- returns: "announced" | "gone" (swept away or ended) | "there" (announced before)
-- twice: the room is open already
local r = rooms.read(KEYS[1])
if not r or r.state == 'ended' then return {'gone'} end
if r.state == 'open' then return {'there'} end
for i = 4, 6, 2 do
  local user, places = ARGV[i], ARGV[i + 1]
  local seat = r.seat[user]
  for place, at in string.gmatch(places, '((%S+)/%S+)') do
    if alive(at) and not string.find(seat .. ' ', ' ' .. place .. ' ', 1, true) then
      if string.byte(seat) ~= 112 then seat = 'p' end
      seat = seat .. ' ' .. place
    end
  end
  if seat == 'e' then
    -- Whoever comes has missed everything.
    rooms.hold(r, ARGV[1], user, KEYS[2], ARGV[3], '0')
  else
    r.seat[user] = seat
    redis.call('HSET', KEYS[1], 's:' .. user, seat)
    if string.byte(seat) == 112 then redis.call('ZREM', KEYS[2], 'hold|' .. ARGV[1] .. '|' .. user) end
  end
end
redis.call('HSET', KEYS[1], 'state', 'open', 'active', now_text)
redis.call('ZREM', KEYS[2], 'opening|' .. ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], 'idle|' .. ARGV[1])
rooms.store_nodes(r, ARGV[1], KEYS[3])
local seated = rooms.log(KEYS[4], ARGV[1], 'seated', r.kind, r.to, now_text)
rooms.tell(r.nodes, table.concat({r.to, seated, ARGV[5] .. ' ' .. ARGV[7]}, US))
return {'announced'}
