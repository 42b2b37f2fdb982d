-- A socket of a user is on this node now (new, or moved here from another node).
-- KEYS: 1 user, 2 sets of users per node (without the node), 3 counts, 4 arrivals of this minute
-- ARGV: 1 user, 2 sid, 3 most sockets a user may have, 4 ttl of the arrivals in ms
-- returns: "crowded" | "attached" then "idle" / "seeking" queue ticket since / "seated" room
-- twice: the socket is in the hash once; a user who already has sockets is not counted again
local u = users.read(KEYS[1], node)
local was_at = u.sockets[ARGV[2]]
if not was_at and u.count >= tonumber(ARGV[3]) then return {'crowded'} end
redis.call('HSET', KEYS[1], '@' .. ARGV[2], node)
redis.call('SADD', KEYS[2] .. node, ARGV[1])
if was_at and was_at ~= node then
  local others = 0
  for _, at in pairs(u.sockets) do if at == was_at then others = others + 1 end end
  if others == 1 then redis.call('SREM', KEYS[2] .. was_at, ARGV[1]) end
end
if u.count == 0 then
  redis.call('HINCRBY', KEYS[3], 'online', '1')
  redis.call('HSET', KEYS[3], 'changed', '1')
  if redis.call('INCR', KEYS[4]) == 1 then redis.call('PEXPIRE', KEYS[4], ARGV[4]) end
end
return users.standing(u, 'attached')
