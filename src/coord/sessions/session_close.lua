-- Ends a session in the protocol's way: the waiting poll, or the next one, gets a last packet.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 last packet, 3 ttl of what is left, ms, 4 why, 5 epoch of the owner that
--   says so, "" when it is for its client
-- returns: "closing" | "unknown"
-- twice: it is closing already
local s = sessions.read(KEYS[1])
if not s or s.moved or s.closing or sessions.is_not_of(s, ARGV[5]) then return {'unknown'} end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[1], 'closing', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
sessions.wake(KEYS[3], s, ARGV[1])
sessions.tell(KEYS[3], s.owner, 'over', ARGV[1], s.epoch, ARGV[4])
return {'closing'}
