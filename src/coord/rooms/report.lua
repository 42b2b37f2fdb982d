-- A participant reports another: the last lines are frozen into the journal, and the room ends.
-- KEYS: 1 room, 2 log, 3 timers, 4 journal, 5 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 reporter, 3 reported (as the reporter was told the name), 4 ttl of the tombstone, ms, 5 fact id, 6 violation, 7 description, 8 how many lines, 9 when the people are let go of at the latest, ms
-- returns: "ended" people | "not_here" (the reported user has no seat) | "no_room"
-- twice: the second time there is no open room
local r = rooms.read(KEYS[1])
if not r or r.state ~= 'open' or not r.seat[ARGV[2]] then return {'no_room'} end
local reported
for user in pairs(r.seat) do
  local is_named = user == ARGV[3] or string.find(user, '^guest%-') and string.sub(user, 1, #ARGV[3] + 1) == ARGV[3] .. '.'
  if user ~= ARGV[2] and is_named then reported = user end
end
if not reported then return {'not_here'} end
local frozen = rooms.last_lines(KEYS[2], tonumber(ARGV[8]))
redis.call('XADD', KEYS[4], '*', 'fact', 'report', 'id', ARGV[5], 'room', ARGV[1], 'kind', r.kind, 'opened', r.opened,
  'reporter', ARGV[2], 'reported', reported, 'violation', ARGV[6], 'description', ARGV[7], 'at', now_text,
  'lines', table.concat(frozen, US))
local k = {log = KEYS[2], timers = KEYS[3], journal = KEYS[4], base = KEYS[5], release_at = ARGV[9]}
return rooms.close(r, k, ARGV[1], ARGV[2], 'reported', ARGV[4])
