-- What a client posted goes to the node that owns the session, and is kept until that has dealt with it: should there be no
-- owner, or one that is dead and not known to be, the next one is given it.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 steady now, ms, 3 body, 4 most bodies that may wait, 5 this node, or "" while it is leaving
-- returns: "pushed" | "unknown"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[2]) or s.closing then return {'unknown'} end
local owned = sessions.own(KEYS[2], KEYS[1], s, ARGV[1], ARGV[2], ARGV[5])
if #sessions.kept(s) >= tonumber(ARGV[4]) then return {'unknown'} end
local number = sessions.keep(KEYS[1], s, ARGV[3])
if owned then sessions.tell(KEYS[2], s.owner, 'push', ARGV[1], s.epoch, number, ARGV[3]) end
return {'pushed'}
