-- A user starts to seek a partner: idle -> seeking, one ticket for all sockets of the user.
-- KEYS: 1 user, 2 recent partners, 3 timers
-- ARGV: 1 user, 2 queue, 3 ticket, 4 when to check that the place in the queue exists, ms
-- returns: "entered" queue ticket since recent... | "seeking" queue ticket since recent... | "seated" room | "absent"
-- twice: the second time the user is seeking already and gets the first ticket
local u = users.read(KEYS[1], node)
if u.state == 'seated' then return {'seated', u.room} end
if u.count == 0 then return {'absent'} end
local word = users.enter(u, ARGV[2], ARGV[3])
if word == 'entered' then redis.call('ZADD', KEYS[3], ARGV[4], 'seek|' .. ARGV[1]) end
return users.stay(u, word, KEYS[2])
