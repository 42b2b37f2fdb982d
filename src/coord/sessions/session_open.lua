-- A client opens a session by long-polling; this node owns it.
-- KEYS: 1 session
-- ARGV: 1 next ping due, steady ms, 2 dead without a pong at, steady ms, 3 ttl of the record in ms
-- returns: "opened"
-- twice: the id was drawn for this call; the same fields are set again
redis.call('HSET', KEYS[1], 'owner', node, 'epoch', '1', 'ping', ARGV[1], 'dead', ARGV[2], 'sent', '0', 'bytes', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'opened'}
