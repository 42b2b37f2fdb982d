-- Takes a seeker for a room: seeking(ticket) -> seated(room).
-- KEYS: 1 user, 2 timers
-- ARGV: 1 user, 2 ticket, 3 room, 4 rooms that the user's trail keeps
-- returns: "claimed" places ("node/sid node/sid ...") | "absent" (seeking, but no socket) | "gone"
-- twice: a user already seated in this room is claimed again, with the places of now
local u = users.read(KEYS[1], node)
local had = users.had(u, ARGV[2], ARGV[3])
if had == 'gone' or had == 'absent' then return {had} end
if had == 'free' then
  users.take(u, ARGV[3], ARGV[4])
  redis.call('ZREM', KEYS[2], 'seek|' .. ARGV[1])
end
return {'claimed', users.places(u)}
