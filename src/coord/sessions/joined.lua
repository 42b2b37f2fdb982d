-- The sockets of a polling session, as its record has them for the next owner: `n:<namespace>` is sid and passport of a
-- socket, `h:<sid>` up to where its client has heard.
-- KEYS: none of its own; functions are given the session's key
-- ARGV: none
-- returns: nothing; adds to `sessions`
-- twice: what was forgotten is not there any more

-- The socket of a namespace's field, "sid passport".
function sessions.socket(joined) return string.match(joined, '^[^' .. US .. ']*') end

function sessions.forget_socket(key, namespace)
  local joined = redis.call('HGET', key, 'n:' .. namespace)
  if joined then redis.call('HDEL', key, 'n:' .. namespace, 'h:' .. sessions.socket(joined)) end
end

-- What was joined, as "namespace sid passport heard" in four fields each.
function sessions.joined(s)
  local fields = {}
  for field, value in pairs(s) do
    if string.sub(field, 1, 2) == 'n:' then
      fields[#fields + 1] = string.sub(field, 3) .. US .. value .. US .. (s['h:' .. sessions.socket(value)] or '')
    end
  end
  return fields
end
