-- A poll: confirms what the last one was given, takes what is there, or waits. Asked again with the same token when
-- woken, when the ping is due, and when its owner should have renewed its lease: should that be dead, nobody wakes it. A
-- second poll while one waits ends the session.
-- KEYS: 1 session, 2 out, 3 nodes
-- ARGV: 1 sid, 2 token of the poll, 3 steady now, ms, 4 index of the last entry one answer may hold, 5 this node, or "" while it is leaving
-- returns: "unknown" | "data" then entries | "wait" until_steady_ms | "upgrading"
-- twice: a call is answered, not repeated; a poll that asks again has confirmed nothing new in between
local s = sessions.read(KEYS[1])
if not sessions.usable(s, ARGV[3]) then return {'unknown'} end
local me = node .. ' ' .. ARGV[2]
-- The token alone: the node may have begun a new life under another name.
if s.waiting and string.match(s.waiting, '%S+$') ~= ARGV[2] then
  if not s.closing then
    redis.call('RPUSH', KEYS[2], '1')
    redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
    redis.call('HSET', KEYS[1], 'closing', '1')
    sessions.wake(KEYS[3], s, ARGV[1])
    sessions.tell(KEYS[3], s.owner, 'over', ARGV[1], s.epoch, 'overlap')
  end
  return {'unknown'}
end
if not s.closing then sessions.own(KEYS[3], KEYS[1], s, ARGV[1], ARGV[3], ARGV[5]) end
if tonumber(s.sent) > 0 then
  redis.call('LTRIM', KEYS[2], s.sent, '-1')
  redis.call('HSET', KEYS[1], 'sent', '0')
end
local entries = redis.call('LRANGE', KEYS[2], '0', ARGV[4])
redis.call('HSET', KEYS[1], 'sent', tostring(#entries), 'bytes', '0')
if s.closing then
  redis.call('DEL', KEYS[1], KEYS[2])
elseif tonumber(s.ping) <= tonumber(ARGV[3]) and not s.pinged then
  redis.call('HSET', KEYS[1], 'pinged', '1')
  entries[#entries + 1] = '2'
end
if #entries > 0 then
  redis.call('HDEL', KEYS[1], 'waiting')
  table.insert(entries, 1, 'data')
  return entries
end
redis.call('HSET', KEYS[1], 'waiting', me)
if s.probe and tonumber(string.match(s.probe, ' (%d+)$')) > tonumber(ARGV[3]) then return {'upgrading'} end
local until_steady = s.pinged and s.dead or s.ping
local lease = tonumber(redis.call('ZSCORE', KEYS[3], s.owner or '') or '0')
if lease > tonumber(ARGV[3]) and lease < tonumber(until_steady) then until_steady = string.format('%d', lease) end
return {'wait', until_steady}
