-- Posts a letter; whoever looks after the post sends it.
-- KEYS: 1 post (zset: letter -> when it is to be tried, ms), 2 letters (hash: letter -> its text, "<letter>:n" -> attempts)
-- ARGV: 1 letter, 2 text, 3 how many may wait
-- returns: "posted" | "full"
-- twice: a letter that waits already stays as it is
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'posted'} end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return {'full'} end
redis.call('ZADD', KEYS[1], now_text, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'posted'}
