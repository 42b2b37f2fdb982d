-- A user says which kind of chat is on the screen; a seeker who looks elsewhere stops seeking.
-- KEYS: 1 user, 2 counts, 3 timers
-- ARGV: 1 user, 2 mode ("text", "audio", "video", or "" for none)
-- returns: "same" | "changed" | "stopped" queue ticket (changed, and no longer seeking)
-- twice: the second time the mode is the same
local u = users.read(KEYS[1], node)
if u.count == 0 or (u.mode or '') == ARGV[2] then return {'same'} end
if u.mode then redis.call('HINCRBY', KEYS[2], u.mode, '-1') end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'mode')
else
  redis.call('HSET', KEYS[1], 'mode', ARGV[2])
  redis.call('HINCRBY', KEYS[2], ARGV[2], '1')
end
redis.call('HSET', KEYS[2], 'changed', '1')
if u.state ~= 'seeking' or u.queue == ARGV[2] then return {'changed'} end
redis.call('HDEL', KEYS[1], 'state', 'room', 'queue', 'ticket', 'since')
redis.call('ZREM', KEYS[3], 'seek|' .. ARGV[1])
return {'stopped', u.queue, u.ticket}
