-- A node that has emptied itself leaves: no lease to run out, nothing to take over; another may keep the shard at once. What
-- it could not empty in time is taken over at once, as from one that died.
-- KEYS: 1 nodes, 2 keeper, 3 inbox of the node, 4 gaps, 5 users of the node, 6 rooms of the node
-- ARGV: 1 node: the one that calls, or the life of it that is over
-- returns: "resigned"
-- twice: there is nothing left to delete
if redis.call('HGET', KEYS[2], 'node') == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('EXISTS', KEYS[5], KEYS[6]) > 0 then
  redis.call('ZADD', KEYS[1], 'XX', '0', ARGV[1])
  return {'resigned'}
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[4], ARGV[1])
return {'resigned'}
