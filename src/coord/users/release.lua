-- The user's room has ended: seated(room) -> idle, and the partner is remembered for a while.
-- KEYS: 1 user, 2 recent partners
-- ARGV: 1 room, 2 partner or "", 3 how many partners are remembered, 4 for how long, ms
-- returns: "released" | "not_there" (seated elsewhere or nowhere)
-- twice: the second time the user is not seated there
local u = users.read(KEYS[1], node)
if u.state ~= 'seated' or u.room ~= ARGV[1] then return {'not_there'} end
if u.count == 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HDEL', KEYS[1], 'state', 'room', 'queue', 'ticket', 'since')
end
-- Trimming a list to none would keep all of it.
if ARGV[2] == '' or ARGV[3] == '0' then return {'released'} end
redis.call('LPUSH', KEYS[2], ARGV[2] .. ' ' .. now_text)
redis.call('LTRIM', KEYS[2], '0', ARGV[3] - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'released'}
