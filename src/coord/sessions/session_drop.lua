-- Ends a session at once: its client broke the protocol or went away in the middle of a poll, or its owner cannot go on.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 why, 3 epoch of the owner that says so, "" when it is for its client
-- returns: "dropped" | "unknown"
-- twice: the record is gone
local s = sessions.read(KEYS[1])
if not s or s.moved or sessions.is_not_of(s, ARGV[3]) then return {'unknown'} end
redis.call('DEL', KEYS[1], KEYS[2])
sessions.wake(KEYS[3], s, ARGV[1])
sessions.tell(KEYS[3], s.owner, 'over', ARGV[1], s.epoch, ARGV[2])
return {'dropped'}
