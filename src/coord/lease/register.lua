-- A node begins its life on this shard.
-- KEYS: 1 nodes, 2 epoch
-- ARGV: 1 lease ends at, steady ms, 2 epoch to begin when there is none
-- returns: "registered" epoch server (changes when another one takes over, or when this one starts again)
-- twice: the lease is set to the same end; the epoch is the first one
redis.call('ZADD', KEYS[1], ARGV[1], node)
redis.call('SET', KEYS[2], ARGV[2], 'NX')
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
return {'registered', redis.call('GET', KEYS[2]), server}
