-- Makes the room of an offered pair, with nobody in it yet. Comes before the claims, so that a socket which arrives
-- right after its user was claimed finds its seat.
-- KEYS: 1 room, 2 timers
-- ARGV: 1 room, 2 kind, 3 user a, 4 user b, 5 when an unfinished opening is swept away, ms
-- returns: "opening" | "there" (opened or ended before)
-- twice: the room is there
if redis.call('EXISTS', KEYS[1]) == 1 then return {'there'} end
redis.call('HSET', KEYS[1], 'state', 'opening', 'kind', ARGV[2], 'opened', now_text, 'to', ARGV[3] .. ' ' .. ARGV[4],
  's:' .. ARGV[3], 'e', 's:' .. ARGV[4], 'e')
redis.call('ZADD', KEYS[2], ARGV[5], 'opening|' .. ARGV[1])
return {'opening'}
