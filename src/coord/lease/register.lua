-- A node begins its life on this shard.
-- KEYS: 1 nodes, 2 epoch, 3 inbox of the node
-- ARGV: 1 lease ends at, steady ms, 2 epoch to begin when there is none
-- returns: "registered" epoch
-- twice: the lease is set to the same end; the epoch is the first one
redis.call('ZADD', KEYS[1], ARGV[1], node)
redis.call('SET', KEYS[2], ARGV[2], 'NX')
return {'registered', redis.call('GET', KEYS[2])}
