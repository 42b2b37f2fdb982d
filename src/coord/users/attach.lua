-- A socket of a user is on this node now (new, or moved here from another node).
-- KEYS: 1 user, 2 sets of users per node (without the node), 3 counts, 4 arrivals of this minute, 5 past, 6 epoch
-- ARGV: 1 user, 2 sid, 3 most sockets a user may have, 4 ttl of the arrivals in ms, 5 the session its client may take up again ("sid key standing"), or "" for the one of before
-- returns: "crowded" | "attached" epoch trail now_of_redis, then "idle" / "seeking" queue ticket since / "seated" room
-- twice: the socket is in the hash once; a user who already has sockets is not counted again
local u = users.read(KEYS[1], node)
if not users.attach(u, KEYS, ARGV) then return {'crowded'} end
local session = ARGV[5] ~= '' and ARGV[5] or not u.session[ARGV[2]] and users.past_session(KEYS[5], ARGV[2])
if session then redis.call('HSET', KEYS[1], '#' .. ARGV[2], session) end
return users.standing(u, 'attached', redis.call('GET', KEYS[6]), users.trail(u, KEYS[5]), users.time())
