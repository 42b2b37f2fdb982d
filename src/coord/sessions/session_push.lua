-- What a client posted goes to the node that owns the session; while that is leaving, it waits for the next one.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 steady now, ms, 3 body, 4 most bodies that may wait
-- returns: "pushed" | "unknown"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[2]) or s.closing then return {'unknown'} end
sessions.own(KEYS[2], KEYS[1], s, ARGV[1], ARGV[2])
if s.leaving then
  if tonumber(s.kept or '0') >= tonumber(ARGV[4]) then return {'unknown'} end
  sessions.keep(KEYS[1], s, ARGV[3])
  return {'pushed'}
end
sessions.tell(KEYS[2], s.owner, 'push', ARGV[1], s.epoch, ARGV[3])
return {'pushed'}
