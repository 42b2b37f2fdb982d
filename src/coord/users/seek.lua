-- A user starts to seek a partner in a queue of the same shard, and has a place in it at once: no timer need make sure.
-- KEYS: 1 user, 2 recent partners, 3 queue, 4 seekers
-- ARGV: 1 user, 2 queue, 3 ticket, 4 how long before the first pairing, ms
-- returns: "waiting" position | "seeking" queue ticket since recent... | "seated" room | "absent"
-- twice: the second time the user is seeking already and gets the first ticket
local u = users.read(KEYS[1], node)
if u.state == 'seated' then return {'seated', u.room} end
if u.count == 0 then return {'absent'} end
if users.enter(u, ARGV[2], ARGV[3]) == 'seeking' then return users.stay(u, 'seeking', KEYS[2]) end
local recent = table.concat(redis.call('LRANGE', KEYS[2], '0', '-1'), ',')
return {'waiting', queues.join(KEYS[3], KEYS[4], ARGV[1], ARGV[3], now_text, ARGV[4], recent)}
