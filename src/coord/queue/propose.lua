-- Takes a pair out of the queue and offers it to whoever seats people. Both still wait, or nothing happens.
-- KEYS: 1 queue, 2 seekers, 3 offers
-- ARGV: 1 queue's name, 2 room to be, 3 user a, 4 ticket of a, 5 user b, 6 ticket of b
-- returns: "offered" | "stale"
-- twice: the second time they wait no longer
for i = 3, 5, 2 do
  local entry = redis.call('HGET', KEYS[2], ARGV[i])
  if not entry or string.sub(entry, 1, #ARGV[i + 1] + 1) ~= ARGV[i + 1] .. '|' then return {'stale'} end
end
redis.call('ZREM', KEYS[1], ARGV[3], ARGV[5])
redis.call('HDEL', KEYS[2], ARGV[3], ARGV[5])
redis.call('XADD', KEYS[3], '*', 'offer', table.concat(ARGV, ' '))
return {'offered'}
