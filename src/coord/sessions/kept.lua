-- Posted bodies that no owner has dealt with: they wait in the record of their session for the next one.
-- KEYS: none of its own; functions are given the session's key
-- ARGV: none
-- returns: nothing; adds to `sessions`
-- twice: what was taken is not there any more

-- A body that no owner has dealt with waits in the record.
function sessions.keep(key, s, body)
  s.kept = tostring(tonumber(s.kept or '0') + 1)
  s['k:' .. s.kept] = body
  redis.call('HSET', key, 'kept', s.kept, 'k:' .. s.kept, body)
end

-- All of them, oldest first; they wait no longer.
function sessions.take_kept(key, s)
  local bodies = {}
  for i = 1, tonumber(s.kept or '0') do
    bodies[i] = s['k:' .. i]
    redis.call('HDEL', key, 'k:' .. i)
  end
  redis.call('HDEL', key, 'kept')
  s.kept = nil
  return bodies
end
