-- A stopping owner is about to give a session up. What is posted from now on waits in the record, and what was posted
-- before is in the owner's inbox: a last signal there says when it has all come.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 epoch of the owner
-- returns: "leaving" | "lost"
-- twice: there is a second last signal, for which nobody waits
local s = sessions.read(KEYS[1])
if not s or s.closing or s.epoch ~= ARGV[2] then return {'lost'} end
redis.call('HSET', KEYS[1], 'leaving', '1')
sessions.tell(KEYS[2], s.owner, 'last', ARGV[1], s.epoch)
return {'leaving'}
