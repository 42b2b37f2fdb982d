-- The owner of a session that moved here has not handed it over in time. What its record has by now is handed over in its
-- name, behind all that it has sent on; it may be dead, and what was posted is nowhere else.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid
-- returns: "handed" (maybe by its owner meanwhile) | "unknown"
-- twice: it is handed over by then, and nobody is told again
local s = sessions.read(KEYS[1])
if not s or not s.moved then return {'unknown'} end
if s.epoch == 'handed' then return {'handed'} end
-- One that only hangs is not to act in its name any more.
sessions.tell(KEYS[2], s.owner, 'taken', ARGV[1], s.epoch)
-- The node that asks has the WebSocket, perhaps under a new name.
s.moved = node
sessions.hand(KEYS[2], KEYS[1], s, ARGV[1], sessions.joined(s), {})
return {'handed'}
