-- The owner of a session that moved to a WebSocket gives everything up, also what was posted and it has not dealt with; its
-- last word on it.
-- KEYS: 1 session, 2 nodes
-- ARGV: 1 sid, 2 epoch of the owner, 3 number of joined, then these, then the messages of a half
--   received packet
-- returns: "handed" | "lost"
-- twice: it is nobody's by then, and nobody is told again
local s = sessions.read(KEYS[1])
if not s or not s.moved or s.epoch ~= ARGV[2] then return {'lost'} end
-- What stays for a while tells latecomers that the session is not free.
redis.call('HSET', KEYS[1], 'epoch', 'handed')
local fields = {}
for i = 3, 3 + tonumber(ARGV[3]) do fields[#fields + 1] = ARGV[i] end
local kept = sessions.kept(s)
for i = #ARGV, 4 + tonumber(ARGV[3]), -1 do table.insert(kept, 1, ARGV[i]) end
local leftover = table.concat(kept, '\30')
if leftover ~= '' then fields[#fields + 1] = leftover end
sessions.tell(KEYS[2], s.moved, 'handed', ARGV[1], unpack(fields))
return {'handed'}
