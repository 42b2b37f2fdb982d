-- Tells every node this shard's counts, if they changed since the last time.
-- KEYS: 1 counts, 2 topic
-- ARGV: 1 entries the topic keeps
-- returns: "published" | "unchanged"
-- twice: the second time nothing has changed
if redis.call('HDEL', KEYS[1], 'changed') == 0 then return {'unchanged'} end
local c = redis.call('HMGET', KEYS[1], 'online', 'text', 'audio', 'video')
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[1], '*', 'c',
  table.concat({'counts', c[1] or '0', c[2] or '0', c[3] or '0', c[4] or '0'}, US))
return {'published'}
