-- A namespace was joined: whoever takes the session over must know.
-- KEYS: 1 session
-- ARGV: 1 epoch of the owner, 2 namespace, 3 sid and passport of the socket, 4 up to where its client has heard, or ""
-- returns: "joined" | "lost"
-- twice: the same fields are set again
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'lost'} end
sessions.forget_socket(KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'n:' .. ARGV[2], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'h:' .. sessions.socket(ARGV[3]), ARGV[4]) end
return {'joined'}
