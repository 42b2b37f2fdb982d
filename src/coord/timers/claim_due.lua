-- Takes timers that are due; they become due again unless settled in time.
-- KEYS: 1 timers
-- ARGV: 1 how many at most, 2 due again at, ms
-- returns: "due", then timer due_ms, timer due_ms, ...
-- twice: what was taken is not due before its new time
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_text, 'WITHSCORES', 'LIMIT', '0', ARGV[1])
local reply = {'due'}
for i = 1, #due, 2 do
  -- Nobody sets a timer to half a millisecond: what is set anew meanwhile, be it to this very time, is not the claim.
  redis.call('ZADD', KEYS[1], ARGV[2] .. '.5', due[i])
  reply[#reply + 1] = due[i]
  reply[#reply + 1] = due[i + 1]
end
return reply
