-- A stopping node gives a session up: the node that gets its next request owns it, a waiting poll asks again at once.
-- What is half received comes before what has not been dealt with.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 epoch of the owner, then the messages of a half received packet
-- returns: "free" | "lost"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not s or s.closing or s.moved or s.epoch ~= ARGV[2] then return {'lost'} end
redis.call('HDEL', KEYS[1], 'owner')
if #ARGV > 2 then
  local kept = sessions.kept(s)
  if s.posted then sessions.deal(KEYS[1], s, s.posted) end
  for i = 3, #ARGV do sessions.keep(KEYS[1], s, ARGV[i]) end
  for _, body in ipairs(kept) do sessions.keep(KEYS[1], s, body) end
end
sessions.wake(KEYS[3], s, ARGV[1])
return {'free'}
