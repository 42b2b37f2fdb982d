-- The owner of a session that moved to a WebSocket gives everything up, also what was posted and it has not dealt with; its
-- last word on it.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 epoch of the owner, 3 number of joined, then these, then the messages of a half
--   received packet
-- returns: "handed" | "lost"
-- twice: it is nobody's by then, and nobody is told again
local s = sessions.read(KEYS[1])
if not s or not s.moved or s.epoch ~= ARGV[2] then return {'lost'} end
local joined, half, last = {}, {}, 3 + tonumber(ARGV[3])
for i = 4, #ARGV do table.insert(i <= last and joined or half, ARGV[i]) end
sessions.hand(KEYS[2], KEYS[1], s, ARGV[1], joined, half)
return {'handed'}
