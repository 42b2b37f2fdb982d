-- Takes pairs out of the queue: those who live here are seated at once, the others are offered to whoever seats people.
-- Both of a pair still wait, or nothing happens to them.
-- KEYS: 1 queue, 2 seekers, 3 offers, 4 timers, 5 sets of rooms per node (without the node), 6 users (without the name), 7 rooms (without the id), 8 logs (without the id)
-- ARGV: 1 queue's name, 2 kind of the rooms, 3 idle at, ms, 4 until when the seat of somebody without a socket is held, ms, 5 rooms that a trail keeps, then per pair: "here" or "away", room to be, user a, ticket of a, user b, ticket of b
-- returns: "proposed", then per pair "stale" / "offered" / "seated" / "parted" (one could not be had and is out, the other waits on)
-- twice: the second time they wait no longer
local k = rooms.opening(KEYS[4], KEYS[5], ARGV[3], ARGV[4], ARGV[5])
local people, out, reply = {}, {}, {'proposed'}
for i = 6, #ARGV, 6 do
  people[#people + 1] = ARGV[i + 2]
  people[#people + 1] = ARGV[i + 4]
end
local entries = redis.call('HMGET', KEYS[2], unpack(people))
for i = 6, #ARGV, 6 do
  local where, room, a, ticket_a, b, ticket_b = unpack(ARGV, i, i + 5)
  local word = 'offered'
  local first = (i - 6) / 3
  if not queues.is_of(entries[first + 1], ticket_a) or not queues.is_of(entries[first + 2], ticket_b) then
    word = 'stale'
  elseif where == 'here' then
    local r = rooms.new(KEYS[7] .. room, ARGV[2], a, b)
    local one, other = users.read(KEYS[6] .. a, node), users.read(KEYS[6] .. b, node)
    local had_a, had_b = rooms.pair(k, r, room, KEYS[8] .. room, {a, ticket_a, one}, {b, ticket_b, other})
    word = had_a and had_b and 'seated' or 'parted'
    if word == 'seated' or not had_a then out[#out + 1] = a end
    if word == 'seated' or not had_b then out[#out + 1] = b end
  else
    redis.call('XADD', KEYS[3], '*', 'offer', table.concat({ARGV[1], room, a, ticket_a, b, ticket_b}, ' '))
    out[#out + 1] = a
    out[#out + 1] = b
  end
  reply[#reply + 1] = word
end
queues.take_out(KEYS[1], KEYS[2], out)
rooms.opened(k)
return reply
