-- Logins of a user have ended before their time: no socket comes in with them any more, and every node that holds
-- sockets of the user is told to close those of them.
-- KEYS: 1 user, 2 revoked
-- ARGV: 1 user, 2 why, 3 how long their tokens can still be good, ms, then the logins
-- returns: "revoked"
-- twice: they are remembered under their own names; a socket that is closed already hears no notice
local u = users.read(KEYS[1], node)
local before = redis.call('HGETALL', KEYS[2])
for i = 1, #before, 2 do
  if tonumber(string.match(before[i + 1], '^%d+')) <= now then redis.call('HDEL', KEYS[2], before[i]) end
end
local until_text = string.format('%.0f', now + tonumber(ARGV[3]))
for i = 4, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], until_text .. ' ' .. ARGV[2]) end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local nodes = {}
for _, at in pairs(u.sockets) do nodes[at] = true end
local payload = table.concat({ARGV[1], 'login_over', ARGV[2], table.concat(ARGV, ' ', 4)}, US)
for at in pairs(nodes) do notify(at, 'n', payload) end
return {'revoked'}
