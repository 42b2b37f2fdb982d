-- Looks after a seeker: still here, so the place in the queue is to be made sure of; or away, when the timer says for how
-- long that may be.
-- KEYS: 1 user, 2 recent partners, 3 timers
-- ARGV: 1 user, 2 when to look again, ms, 3 "1" when it is the timer that asks
-- returns: "seeking" queue ticket since recent... | "away" | "gave_up" queue ticket | "not_seeking"
-- twice: the timer moves to the same time; a user who has given up is not seeking
local u = users.read(KEYS[1], node)
if u.state ~= 'seeking' then return {'not_seeking'} end
if u.count == 0 then
  if ARGV[3] ~= '1' and redis.call('ZSCORE', KEYS[3], 'seek|' .. ARGV[1]) then return {'away'} end
  redis.call('DEL', KEYS[1])
  return {'gave_up', u.queue, u.ticket}
end
redis.call('ZADD', KEYS[3], ARGV[2], 'seek|' .. ARGV[1])
return users.stay(u, 'seeking', KEYS[2])
