-- A node is alive: its lease is renewed, a gap in its inbox told, and the keeper's lease taken if it is free.
-- KEYS: 1 nodes, 2 epoch, 3 keeper, 4 dying
-- ARGV: 1 steady now, ms, 2 lease ends at, steady ms, 3 epoch the node knows, 4 keeper's lease ends at, steady ms, 5 server the node knows
-- returns: "kept" ("keeper"/"guest") ("whole"/"gap") number_of_expired_and_dying time_s time_us number_of_nodes | "new_epoch"
-- twice: the lease is renewed to the same end; a gap is told until the node's life is over
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
if redis.call('GET', KEYS[2]) ~= ARGV[3] or server ~= ARGV[5] then return {'new_epoch'} end
redis.call('ZADD', KEYS[1], 'XX', ARGV[2], node)
local keeper = redis.call('HMGET', KEYS[3], 'node', 'until')
local keeps = keeper[1] == node or not keeper[1] or tonumber(keeper[2]) < tonumber(ARGV[1])
if keeps then redis.call('HSET', KEYS[3], 'node', node, 'until', ARGV[4]) end
local whole = cut(node) and 'gap' or 'whole'
local ill = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[1]) + redis.call('SCARD', KEYS[4])
local time = redis.call('TIME')
return {'kept', keeps and 'keeper' or 'guest', whole, ill, time[1], time[2], redis.call('ZCARD', KEYS[1])}
