-- Takes a seeker for a room: seeking(ticket) -> seated(room).
-- KEYS: 1 user, 2 timers, 3 past
-- ARGV: 1 user, 2 ticket, 3 room, 4 rooms that the user's trail keeps, 5 ttl of the trail, ms
-- returns: "claimed" places ("node/sid node/sid ...") | "absent" (seeking, but no socket) | "gone"
-- twice: a user already seated in this room is claimed again, with the places of now
local u = users.read(KEYS[1], node)
if u.state == 'seated' and u.room == ARGV[3] then return {'claimed', users.places(u)} end
if u.state ~= 'seeking' or u.ticket ~= ARGV[2] then return {'gone'} end
if u.count == 0 then return {'absent'} end
redis.call('HSET', KEYS[1], 'state', 'seated', 'room', ARGV[3])
users.note_room(KEYS[3], ARGV[3], ARGV[4], ARGV[5])
redis.call('ZREM', KEYS[2], 'seek|' .. ARGV[1])
return {'claimed', users.places(u)}
