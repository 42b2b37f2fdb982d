-- A client takes up its session again, with a new socket on this node. The connection before may be there still: dead,
-- and nobody has noticed; or it is the one its client uses, and this comes late, from a node that slept. It is ended.
-- KEYS: 1 user, 2 sets of users per node (without the node), 3 counts, 4 arrivals of this minute, 5 past, 6 epoch
-- ARGV: 1 user, 2 sid, 3 most sockets a user may have, 4 ttl of the arrivals in ms, 5 the session ("sid key standing"), 6 oldest end of the connection before that is good, ms
-- returns: "unknown" | "crowded" | "attached" place_before ("seeking"/"", what its user did when its connection ended) epoch trail now_of_redis, then "idle" / "seeking" queue ticket since / "seated" room
-- twice: the second time the session is that of the new socket: none is superseded, and there is no place before it
local u = users.read(KEYS[1], node)
local before
for sid, session in pairs(u.session) do if session == ARGV[5] then before = sid end end
local ended = not before and redis.call('HGET', KEYS[5], 's:' .. ARGV[5])
if not before and (not ended or tonumber(string.match(ended, '^%d+')) < tonumber(ARGV[6])) then return {'unknown'} end
local place = ''
if before and before ~= ARGV[2] then
  place = u.sockets[before] and u.sockets[before] .. '/' .. before or ''
  local at = u.sockets[before]
  if at and alive(at) then notify(at, 'n', '@' .. before .. US .. 'superseded') end
  users.supersede(u, before, KEYS, ARGV[1])
end
if not users.attach(u, KEYS, ARGV) then return {'crowded'} end
redis.call('HDEL', KEYS[5], 's:' .. ARGV[5])
redis.call('HSET', KEYS[1], '#' .. ARGV[2], ARGV[5])
local sought = string.match(ended or '', ' (seeking)$') or ''
return users.standing(u, 'attached', place, sought, redis.call('GET', KEYS[6]), users.trail(u, KEYS[5]), users.time())
