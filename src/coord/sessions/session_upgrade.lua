-- The WebSocket takes over. The record stays as a signpost: for what the owner still sends before it hands its sockets
-- over, and for latecomers. Without a live owner they are handed over from the record.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 token of the attempt, 3 steady now, ms, 4 ttl of the signpost, ms
-- returns: "unknown" | "moving" then entries
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[3]) or s.closing or not s.probe or string.match(s.probe, '^(%S+)') ~= ARGV[2] then
  return {'unknown'}
end
if tonumber(s.sent) > 0 then redis.call('LTRIM', KEYS[2], s.sent, '-1') end
local entries = redis.call('LRANGE', KEYS[2], '0', '-1')
redis.call('DEL', KEYS[2])
s.moved = node
redis.call('HSET', KEYS[1], 'moved', node)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if sessions.lives(KEYS[3], s.owner, ARGV[3]) then
  sessions.tell(KEYS[3], s.owner, 'moved', ARGV[1], s.epoch)
else
  sessions.hand(KEYS[3], KEYS[1], s, ARGV[1], sessions.joined(s), {})
end
sessions.wake(KEYS[3], s, ARGV[1])
table.insert(entries, 1, 'moving')
return entries
