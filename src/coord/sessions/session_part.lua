-- A namespace was left.
-- KEYS: 1 session
-- ARGV: 1 epoch of the owner, 2 namespace
-- returns: "parted" | "lost"
-- twice: the field is gone already
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'lost'} end
redis.call('HDEL', KEYS[1], 'n:' .. ARGV[2])
return {'parted'}
