-- The owner sends packets, and says which posted bodies it has dealt with. An owner whose session has moved to a WebSocket
-- has them sent on, in order; one whose session was taken over is told so.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 epoch of the owner, 3 most bytes that may wait, 4 number of the last posted body that was dealt with,
--   5 number of sockets whose clients have heard more with these, then these and up to where, then the entries
-- returns: "kept" | "routed" | "lost" | "slow"
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not s or s.closing or s.epoch ~= ARGV[2] then return {'lost'} end
local entries, bytes = {}, tonumber(s.bytes)
local first = 6 + 2 * tonumber(ARGV[5])
for i = first, #ARGV do
  entries[#entries + 1] = ARGV[i]
  bytes = bytes + #ARGV[i]
end
sessions.deal(KEYS[1], s, ARGV[4])
if #entries == 0 then return {'kept'} end
if s.moved then
  sessions.tell(KEYS[3], s.moved, 'routed', ARGV[1], table.concat(entries, '\30'))
  return {'routed'}
end
if bytes > tonumber(ARGV[3]) then return {'slow'} end
for i = 6, first - 1, 2 do redis.call('HSET', KEYS[1], 'h:' .. ARGV[i], ARGV[i + 1]) end
redis.call('RPUSH', KEYS[2], unpack(entries))
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
redis.call('HSET', KEYS[1], 'bytes', tostring(bytes))
sessions.wake(KEYS[3], s, ARGV[1])
return {'kept'}
