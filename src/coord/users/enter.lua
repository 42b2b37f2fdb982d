-- A user starts to seek a partner: idle -> seeking, one ticket for all sockets of the user.
-- KEYS: 1 user, 2 recent partners, 3 timers
-- ARGV: 1 user, 2 queue, 3 ticket, 4 when to check that the place in the queue exists, ms
-- returns: "entered" queue ticket since recent... | "seeking" queue ticket since recent... | "seated" room | "absent"
-- twice: the second time the user is seeking already and gets the first ticket
local u = users.read(KEYS[1], node)
if u.state == 'seated' then return {'seated', u.room} end
if u.count == 0 then return {'absent'} end
local reply = {'seeking', u.queue, u.ticket, u.since}
if u.state ~= 'seeking' then
  redis.call('HSET', KEYS[1], 'state', 'seeking', 'queue', ARGV[2], 'ticket', ARGV[3], 'since', now_text)
  redis.call('ZADD', KEYS[3], ARGV[4], 'seek|' .. ARGV[1])
  reply = {'entered', ARGV[2], ARGV[3], now_text}
end
for _, partner in ipairs(redis.call('LRANGE', KEYS[2], '0', '-1')) do reply[#reply + 1] = partner end
return reply
