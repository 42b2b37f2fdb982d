-- What the acts on rooms share: telling people, and lines as they are told.
-- KEYS: none of its own
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: notices may come twice; lines are known by their ids
function rooms.tell(nodes, payload)
  for at in string.gmatch(nodes, '%S+') do notify(at, 'n', payload) end
end

-- Everyone in `people` but `user`.
function rooms.others(people, user)
  local out = {}
  for other in string.gmatch(people, '%S+') do if other ~= user then out[#out + 1] = other end end
  return table.concat(out, ' ')
end

-- A line of the log as the fields of a notice.
function rooms.line(entry)
  local f = entry[2]
  return table.concat({entry[1], f[2], f[4], f[6], f[8]}, US)
end

-- Sends the lines from `since` on to one socket on this node; how many there were.
function rooms.replay(log, room, sid, since)
  local missed = redis.call('XRANGE', log, since, '+')
  for _, entry in ipairs(missed) do
    notify(node, 'n', table.concat({'@' .. sid, 'said', room, '', rooms.line(entry)}, US))
  end
  return #missed
end

-- From when on a node's people have missed lines: the first notice in `inbox` that the node has not dispatched; nil when
-- it has dispatched all, or was never told anything.
function rooms.unread_from(inbox)
  local first = redis.call('XRANGE', inbox, '-', '+', 'COUNT', '1')[1]
  if not first then return nil end
  -- A line is in its log a little before it is in an inbox.
  local line = table.concat(first[2], '\30'):match('\30[^@\31][^\31]*\31said\31[^\31]*\31[^\31]*\31(%d+)')
  return line or string.match(first[1], '^%d+')
end
