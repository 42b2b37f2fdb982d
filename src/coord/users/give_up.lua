-- A user stops seeking.
-- KEYS: 1 user, 2 timers
-- ARGV: 1 user
-- returns: "stopped" queue ticket | "not_seeking"
-- twice: the second time the user is not seeking
local u = users.read(KEYS[1], node)
if u.state ~= 'seeking' then return {'not_seeking'} end
redis.call('HDEL', KEYS[1], 'state', 'room', 'queue', 'ticket', 'since')
redis.call('ZREM', KEYS[2], 'seek|' .. ARGV[1])
return {'stopped', u.queue, u.ticket}
