-- What a client posted goes to the node that owns the session; while that is leaving, or there is none, it waits for the next one.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 steady now, ms, 3 body, 4 most bodies that may wait, 5 this node, or "" while it is leaving
-- returns: "pushed" | "unknown"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[2]) or s.closing then return {'unknown'} end
local owned = sessions.own(KEYS[2], KEYS[1], s, ARGV[1], ARGV[2], ARGV[5])
if s.leaving or not owned then
  if tonumber(s.kept or '0') >= tonumber(ARGV[4]) then return {'unknown'} end
  sessions.keep(KEYS[1], s, ARGV[3])
  return {'pushed'}
end
sessions.tell(KEYS[2], s.owner, 'push', ARGV[1], s.epoch, ARGV[3])
return {'pushed'}
