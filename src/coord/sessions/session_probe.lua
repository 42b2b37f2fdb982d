-- A WebSocket wants to replace long-polling. Only one may try at a time; a waiting poll is told to give way.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 token of the attempt, 3 steady now, ms, 4 the attempt ends at, steady ms
-- returns: "probing" | "busy" | "unknown"
-- twice: the same attempt is noted again
local s = sessions.read(KEYS[1])
if s and s.moved then return {'busy'} end
if not sessions.usable(s, ARGV[3]) or s.closing then return {'unknown'} end
if s.probe then
  local token, ends = string.match(s.probe, '^(%S+) (%d+)$')
  if token ~= ARGV[2] and tonumber(ends) > tonumber(ARGV[3]) then return {'busy'} end
end
redis.call('HSET', KEYS[1], 'probe', ARGV[2] .. ' ' .. ARGV[4])
sessions.wake(KEYS[2], s, ARGV[1])
return {'probing'}
