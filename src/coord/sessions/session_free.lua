-- A stopping node gives a session up: the node that gets its next request owns it, a waiting poll asks again at once.
-- What the owner has not dealt with comes before what has been posted since it began to leave.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 epoch of the owner, then the bodies it has not dealt with
-- returns: "free" | "lost"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not s or s.closing or s.moved or s.epoch ~= ARGV[2] then return {'lost'} end
local bodies = sessions.take_kept(KEYS[1], s)
redis.call('HDEL', KEYS[1], 'owner', 'leaving')
for i = 3, #ARGV do sessions.keep(KEYS[1], s, ARGV[i]) end
for _, body in ipairs(bodies) do sessions.keep(KEYS[1], s, body) end
sessions.wake(KEYS[3], s, ARGV[1])
return {'free'}
