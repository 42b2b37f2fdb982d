-- The timer of a quiet room: it ends if nothing was said for long enough, else the timer moves on.
-- KEYS: 1 room, 2 log, 3 timers, 4 journal, 5 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 how long a room may be quiet, ms, 3 ttl of the tombstone, ms, 4 when the people are let go of at the latest, ms
-- returns: "ended" people | "not_due" | "no_room"
-- twice: the timer moves to the same time; the second time there is no open room
local r = rooms.read(KEYS[1])
if not r or r.state ~= 'open' then return {'no_room'} end
local _, active = rooms.said(r)
local idle_at = active + tonumber(ARGV[2])
if idle_at > now then
  redis.call('ZADD', KEYS[3], string.format('%d', idle_at), 'idle|' .. ARGV[1])
  return {'not_due'}
end
local k = {log = KEYS[2], timers = KEYS[3], journal = KEYS[4], base = KEYS[5], release_at = ARGV[4]}
return rooms.close(r, k, ARGV[1], '', 'timeout', ARGV[3])
