-- The owner sends packets. An owner whose session has moved to a WebSocket has them sent on, in order; one whose
-- session was taken over is told so.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 epoch of the owner, 3 most bytes that may wait, then the entries
-- returns: "kept" | "routed" | "lost" | "slow"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not s or s.closing or s.epoch ~= ARGV[2] then return {'lost'} end
local entries, bytes = {}, tonumber(s.bytes)
for i = 4, #ARGV do
  entries[#entries + 1] = ARGV[i]
  bytes = bytes + #ARGV[i]
end
if s.moved then
  sessions.tell(KEYS[3], s.moved, 'routed', ARGV[1], table.concat(entries, '\30'))
  return {'routed'}
end
if bytes > tonumber(ARGV[3]) then return {'slow'} end
redis.call('RPUSH', KEYS[2], unpack(entries))
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
redis.call('HSET', KEYS[1], 'bytes', tostring(bytes))
sessions.wake(KEYS[3], s, ARGV[1])
return {'kept'}
