-- What the acts on rooms share: telling people.
-- KEYS: none of its own
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: notices may come twice; what they tell is known by its id
function rooms.tell(nodes, payload)
  for at in string.gmatch(nodes, '%S+') do notify(at, 'n', payload) end
end

-- Everyone in `people` but `user`.
function rooms.others(people, user)
  local out = {}
  for other in string.gmatch(people, '%S+') do if other ~= user then out[#out + 1] = other end end
  return table.concat(out, ' ')
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
