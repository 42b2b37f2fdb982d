-- The client answered a ping: the session lives on.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 steady now, ms, 3 next ping due, steady ms, 4 dead without a pong at, steady ms, 5 ttl of the record, ms, 6 this node, or "" while it is leaving
-- returns: "alive" | "unknown"
-- twice: the same deadlines are set again
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[2]) or s.closing then return {'unknown'} end
sessions.own(KEYS[3], KEYS[1], s, ARGV[1], ARGV[2], ARGV[6])
redis.call('HSET', KEYS[1], 'ping', ARGV[3], 'dead', ARGV[4])
redis.call('HDEL', KEYS[1], 'pinged')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
sessions.tell(KEYS[3], s.owner, 'pong', ARGV[1], s.epoch)
return {'alive'}
