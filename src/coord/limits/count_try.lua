-- Counts a try before anybody looks whether it is right, so that many at once are no more than one after the other; with
-- the last that is allowed, what is guessed at is shut.
-- KEYS: 1 lock (string: shut until, 6 bytes, 0 when it is open; then the times of the tries, 6 bytes each)
-- ARGV: 1 tries, 2 ms that a try counts, 3 ms that it is shut
-- returns: "counted" tries_left | "shut" ms
-- twice: counts one more; calls sent twice: see the prelude
local lock = redis.call('GET', KEYS[1]) or '\0\0\0\0\0\0'
local shut, from = struct.unpack('>I6', lock), 7
if shut > now then return {'shut', shut - now} end
-- What was shut begins anew.
if shut > 0 then from = #lock + 1 end
while from < #lock and struct.unpack('>I6', lock, from) + ARGV[2] <= now do from = from + 6 end
local times = string.sub(lock, from) .. struct.pack('>I6', now)
local left, ttl = tonumber(ARGV[1]) - #times / 6, ARGV[2]
shut = 0
if left <= 0 then
  left, shut, ttl = 0, now + ARGV[3], ARGV[3]
end
redis.call('SET', KEYS[1], struct.pack('>I6', shut) .. times, 'PX', ttl)
return {'counted', left}
