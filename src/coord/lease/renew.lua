-- A node is alive: its lease is renewed, its inbox checked for a gap, and the keeper's lease taken if it is free.
-- KEYS: 1 nodes, 2 epoch, 3 inbox of the node, 4 keeper, 5 dying
-- ARGV: 1 steady now, ms, 2 lease ends at, steady ms, 3 epoch the node knows, 4 last inbox entry it dispatched, ms, 5 its seq
-- returns: "kept" ("keeper"/"guest") ("whole"/"gap") number_of_expired_and_dying time_s time_us | "new_epoch"
-- twice: renewing twice in the same moment changes nothing
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return {'new_epoch'} end
redis.call('ZADD', KEYS[1], 'XX', ARGV[2], node)
local keeper = redis.call('HMGET', KEYS[4], 'node', 'until')
local keeps = keeper[1] == node or not keeper[1] or tonumber(keeper[2]) < tonumber(ARGV[1])
if keeps then redis.call('HSET', KEYS[4], 'node', node, 'until', ARGV[2]) end
local whole = 'whole'
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  for i = 1, #info, 2 do
    if info[i] == 'max-deleted-entry-id' then
      local ms, seq = string.match(info[i + 1], '(%d+)-(%d+)')
      ms, seq = tonumber(ms), tonumber(seq)
      local read_ms, read_seq = tonumber(ARGV[4]), tonumber(ARGV[5])
      if ms > read_ms or (ms == read_ms and seq > read_seq) then whole = 'gap' end
    end
  end
end
local ill = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[1]) + redis.call('SCARD', KEYS[5])
local time = redis.call('TIME')
return {'kept', keeps and 'keeper' or 'guest', whole, ill, time[1], time[2]}
