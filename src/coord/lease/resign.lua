-- A node that has emptied itself leaves: no lease to run out, nothing to take over; another may keep the shard at once.
-- KEYS: 1 nodes, 2 keeper, 3 inbox of the node, 4 gaps
-- ARGV: none
-- returns: "resigned"
-- twice: there is nothing left to delete
redis.call('ZREM', KEYS[1], node)
if redis.call('HGET', KEYS[2], 'node') == node then redis.call('DEL', KEYS[2]) end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[4], node)
return {'resigned'}
