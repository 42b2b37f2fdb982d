-- A timer has done its work; it goes unless it was set anew meanwhile.
-- KEYS: 1 timers
-- ARGV: 1 timer, 2 the time its claim gave it, ms
-- returns: "settled" | "set_anew"
-- twice: the second time the timer is gone, which is "set_anew" or nothing to anybody
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) + 0.5 then return {'set_anew'} end
redis.call('ZREM', KEYS[1], ARGV[1])
return {'settled'}
