-- Ends a session whose client has not answered the last ping in time.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 epoch of the owner, 3 steady now, ms
-- returns: "alive" dead_at_steady_ms | "expired" | "lost"
-- twice: the record is gone
local s = sessions.read(KEYS[1])
if not s or s.epoch ~= ARGV[2] or s.closing then return {'lost'} end
if tonumber(s.dead) > tonumber(ARGV[3]) then return {'alive', s.dead} end
redis.call('DEL', KEYS[1], KEYS[2])
sessions.wake(KEYS[3], s, ARGV[1])
return {'expired'}
