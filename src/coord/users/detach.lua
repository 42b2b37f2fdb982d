-- A socket of a user has gone from this node.
-- KEYS: 1 user, 2 sets of users per node (without the node), 3 counts, 4 timers, 5 past
-- ARGV: 1 user, 2 sid, 3 when a seeker without sockets loses the place, ms,
--       4 how long its client may take up the session again, ms (0: not), 5 how long the trail is kept, ms (0: not)
-- returns: "elsewhere" (the socket lives on another node, nothing done) | "more" | "last", then the user's standing:
--       "idle" / "seeking" queue ticket since / "seated" room
-- twice: the second time the socket is no longer there, which is "elsewhere"
local u = users.read(KEYS[1], node)
if u.sockets[ARGV[2]] ~= node then return users.standing(u, 'elsewhere') end
redis.call('HDEL', KEYS[1], '@' .. ARGV[2])
users.keep_session(u, KEYS[5], ARGV[2], ARGV[4])
if u.here == 1 then redis.call('SREM', KEYS[2] .. node, ARGV[1]) end
if u.count > 1 then return users.standing(u, 'more') end
users.keep_trail(u, KEYS[5], ARGV[5])
users.absent(u, ARGV[1], KEYS[3], KEYS[4], ARGV[3])
return users.standing(u, 'last')
