-- A namespace was joined: whoever takes the session over must know.
-- KEYS: 1 session
-- ARGV: 1 epoch of the owner, 2 namespace, 3 sid and passport of the socket
-- returns: "joined" | "lost"
-- twice: the same field is set again
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'lost'} end
redis.call('HSET', KEYS[1], 'n:' .. ARGV[2], ARGV[3])
return {'joined'}
