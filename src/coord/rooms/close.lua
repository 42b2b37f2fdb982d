-- How a room ends, for the acts that end one.
-- KEYS: none of its own; given as `k`: timers, journal, log, base (sets of rooms per node), and release_at, ms: when the
--       people are let go of at the latest, should the node that ended the room die before it could
-- ARGV: none
-- returns: nothing; defines `rooms.close`
-- twice: the acts that call it find no open room the second time
-- Ends the room for a reason: everyone is told, the journal gets the fact, the tombstone and the log answer those who come late.
function rooms.close(r, k, room, by, why, tombstone_ttl)
  local ended = rooms.log(k.log, room, 'ended', why, by, now_text)
  rooms.tell(r.nodes or '', r.to .. US .. ended)
  redis.call('ZREM', k.timers, 'idle|' .. room)
  for user in pairs(r.seat) do
    redis.call('ZREM', k.timers, 'hold|' .. room .. '|' .. user, 'fade|' .. room .. '|' .. user)
  end
  for at in string.gmatch(r.nodes or '', '%S+') do redis.call('SREM', k.base .. at, room) end
  redis.call('DEL', r.key)
  redis.call('HSET', r.key, 'state', 'ended', 'to', r.to, 'why', why, 'by', by, 'at', now_text)
  redis.call('PEXPIRE', r.key, tombstone_ttl)
  redis.call('PEXPIRE', k.log, tombstone_ttl)
  redis.call('ZADD', k.timers, k.release_at, 'release|' .. room .. '|' .. string.gsub(r.to, ' ', '|'))
  redis.call('XADD', k.journal, '*', 'fact', 'ended', 'room', room, 'kind', r.kind, 'opened', r.opened,
    'ended', now_text, 'why', why, 'by', by, 'lines', string.format('%d', (rooms.said(r))), 'people', r.to)
  return {'ended', r.to}
end
