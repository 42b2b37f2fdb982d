-- The WebSocket takes over. The record stays as a signpost: for what the owner still sends before it hands its sockets
-- over, and for latecomers.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 token of the attempt, 3 steady now, ms, 4 ttl of the signpost, ms
-- returns: "unknown" | "moving" ("handing"/"orphan") number_of_joined, then these,
--   number_of_bodies_not_dealt_with, then these, then entries
-- twice: a call is answered, not repeated
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[3]) or s.closing or not s.probe or string.match(s.probe, '^(%S+)') ~= ARGV[2] then
  return {'unknown'}
end
if tonumber(s.sent) > 0 then redis.call('LTRIM', KEYS[2], s.sent, '-1') end
local entries, joined = redis.call('LRANGE', KEYS[2], '0', '-1'), sessions.joined(s)
local handing = sessions.lives(KEYS[3], s.owner, ARGV[3])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'moved', node, 'epoch', handing and s.epoch or 'handed')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if handing then sessions.tell(KEYS[3], s.owner, 'moved', ARGV[1], s.epoch) end
sessions.wake(KEYS[3], s, ARGV[1])
local reply = {'moving', handing and 'handing' or 'orphan', #joined}
for _, one in ipairs(joined) do reply[#reply + 1] = one end
-- An owner that lives deals with what was posted, or hands it over.
local kept = handing and {} or sessions.kept(s)
reply[#reply + 1] = #kept
for _, body in ipairs(kept) do reply[#reply + 1] = body end
for _, entry in ipairs(entries) do reply[#reply + 1] = entry end
return reply
