-- Posted bodies are kept in the record of their session, numbered, until its owner says that it has dealt with them:
-- an owner that dies takes none with it, and who a session is handed over to is given them.
-- KEYS: none of its own; functions are given the session's key
-- ARGV: none
-- returns: nothing; adds to `sessions`
-- twice: what was dealt with is not there any more

-- One more; its number.
function sessions.keep(key, s, body)
  s.posted = tostring(tonumber(s.posted or '0') + 1)
  s['k:' .. s.posted] = body
  redis.call('HSET', key, 'posted', s.posted, 'k:' .. s.posted, body)
  return s.posted
end

-- Those that are not dealt with, oldest first, and the number of the first.
function sessions.kept(s)
  local bodies, first = {}, tonumber(s.dealt or '0') + 1
  for i = first, tonumber(s.posted or '0') do bodies[#bodies + 1] = s['k:' .. i] end
  return bodies, first
end

-- All up to this number are dealt with.
function sessions.deal(key, s, number)
  local before = tonumber(s.dealt or '0')
  if tonumber(number) <= before then return end
  for i = before + 1, tonumber(number) do redis.call('HDEL', key, 'k:' .. i) end
  redis.call('HSET', key, 'dealt', number)
  s.dealt = number
end

-- The last word on a session that moved: its node is given what was joined, the messages of a half received packet, and
-- behind these the bodies that are not dealt with.
function sessions.hand(nodes, key, s, sid, joined, half)
  -- What stays for a while tells latecomers that the session is not free.
  redis.call('HSET', key, 'epoch', 'handed')
  local fields = {#joined}
  for _, one in ipairs(joined) do fields[#fields + 1] = one end
  for _, body in ipairs(sessions.kept(s)) do half[#half + 1] = body end
  if #half > 0 then fields[#fields + 1] = table.concat(half, '\30') end
  sessions.tell(nodes, s.moved, 'handed', sid, unpack(fields))
end
