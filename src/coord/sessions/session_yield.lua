-- A waiting poll gives way to the WebSocket that is about to replace it.
-- KEYS: 1 session
-- ARGV: 1 token of the poll, 2 steady now, ms
-- returns: "noop" | "unknown"
-- twice: the poll waits no longer
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[2]) then return {'unknown'} end
if s.waiting and string.match(s.waiting, '%S+$') == ARGV[1] then redis.call('HDEL', KEYS[1], 'waiting') end
return {'noop'}
