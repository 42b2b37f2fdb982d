-- Sweeps away a room that was never announced. For a while it is remembered that it was: its people are given back to the
-- queue in steps of their own, and a socket that comes before that must not take the room for a lost one.
-- KEYS: 1 room, 2 timers, 3 sets of rooms per node (without the node), 4 log
-- ARGV: 1 room, 2 ttl of what is remembered, ms
-- returns: "discarded" people | "gone" | "kept" (it is open)
-- twice: the second time it is gone
local r = rooms.read(KEYS[1])
if not r or r.state == 'discarded' then return {'gone'} end
if r.state ~= 'opening' then return {'kept'} end
for user in pairs(r.seat) do
  r.seat[user] = 'e'
  redis.call('ZREM', KEYS[2], 'hold|' .. ARGV[1] .. '|' .. user, 'fade|' .. ARGV[1] .. '|' .. user)
end
rooms.store_nodes(r, ARGV[1], KEYS[3])
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], 'state', 'discarded', 'to', r.to)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], 'opening|' .. ARGV[1])
return {'discarded', r.to}
