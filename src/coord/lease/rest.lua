-- Everything of a dead node has been taken over: nothing of it stays.
-- KEYS: 1 dying, 2 inbox of the dead node, 3 gaps
-- ARGV: 1 dead node
-- returns: "at_rest"
-- twice: there is nothing left to delete
redis.call('DEL', KEYS[2])
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
return {'at_rest'}
