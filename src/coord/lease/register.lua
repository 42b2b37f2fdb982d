-- A node begins its life on this shard.
-- KEYS: 1 nodes, 2 epoch
-- ARGV: 1 lease ends at, steady ms, 2 epoch to begin when there is none ("random-shards")
-- returns: "registered" epoch server (changes when another one takes over, or when this one starts again) | "laid_out" shards (another
--       number of them: people are looked for in other places)
-- twice: the lease is set to the same end; the epoch is the first one
local shards = '%-(%d+)$'
local laid_out = string.match(redis.call('GET', KEYS[2]) or '', shards)
if laid_out and laid_out ~= string.match(ARGV[2], shards) then return {'laid_out', laid_out} end
redis.call('ZADD', KEYS[1], ARGV[1], node)
redis.call('SET', KEYS[2], ARGV[2], 'NX')
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
return {'registered', redis.call('GET', KEYS[2]), server}
