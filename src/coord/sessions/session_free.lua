-- A stopping node gives a session up: the node that gets its next request owns it.
-- KEYS: 1 session
-- ARGV: 1 epoch of the owner
-- returns: "free" | "lost"
-- twice: there is nothing left to delete
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'lost'} end
redis.call('HDEL', KEYS[1], 'owner')
return {'free'}
