-- Gives a claimed user back: the partner could not be had. The ticket and the time of entering are as before.
-- KEYS: 1 user, 2 recent partners, 3 timers, 4 past
-- ARGV: 1 user, 2 room, 3 when to check that the place in the queue exists, ms
-- returns: "seeking" queue ticket since recent... | "gone" (no longer seated there)
-- twice: a user who seeks with the ticket of that claim gets the same answer
local u = users.read(KEYS[1], node)
if u.room ~= ARGV[2] or not u.ticket then return {'gone'} end
if u.state == 'seated' then
  redis.call('HSET', KEYS[1], 'state', 'seeking')
  users.forget_room(u, KEYS[4], ARGV[2])
  redis.call('ZADD', KEYS[3], ARGV[3], 'seek|' .. ARGV[1])
elseif u.state ~= 'seeking' then
  return {'gone'}
end
return users.stay(u, 'seeking', KEYS[2])
