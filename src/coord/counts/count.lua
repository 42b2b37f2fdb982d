-- Who is online on this shard, and how many arrived in each of the last minutes.
-- KEYS: 1 counts, then the arrivals of each minute asked for
-- ARGV: none
-- returns: "counts" online text audio video, then the arrivals
-- twice: reads only
local c = redis.call('HMGET', KEYS[1], 'online', 'text', 'audio', 'video')
local reply = {'counts', c[1] or '0', c[2] or '0', c[3] or '0', c[4] or '0'}
for i = 2, #KEYS do reply[#reply + 1] = redis.call('GET', KEYS[i]) or '0' end
return reply
