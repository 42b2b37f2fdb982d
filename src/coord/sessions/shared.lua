-- What the acts on polling sessions share: reading a record, telling live nodes, waking a waiting poll, taking over.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines `sessions`
-- twice: a session that has a live owner is not taken over; the rest reads or tells
sessions = {}

function sessions.read(key)
  local flat, s = redis.call('HGETALL', key), {}
  if #flat == 0 then return nil end
  for i = 1, #flat, 2 do s[flat[i]] = flat[i + 1] end
  return s
end

-- A node whose lease has run out is not told anything: nobody would clear the inbox that this would make.
function sessions.lives(nodes, of, steady)
  local score = of and of ~= '' and redis.call('ZSCORE', nodes, of)
  return score and tonumber(score) > tonumber(steady)
end

function sessions.tell(nodes, to, ...)
  if to and to ~= '' and redis.call('ZSCORE', nodes, to) then notify(to, 's', table.concat({...}, US)) end
end

function sessions.wake(nodes, s, sid)
  if not s.waiting then return end
  local at, token = string.match(s.waiting, '^(%S+) (%S+)$')
  sessions.tell(nodes, at, 'wake', sid, token)
end

-- Sees to it that a live node owns the session: if not, `heir` (this node, or "" while it is leaving) does from now on, and
-- hears of it in its inbox. Whether somebody does.
function sessions.own(nodes, key, s, sid, steady, heir)
  if sessions.lives(nodes, s.owner, steady) then return true end
  if heir == '' then return false end
  -- One that only seems dead is not to act in its name any more.
  if s.owner ~= node then sessions.tell(nodes, s.owner, 'taken', sid, s.epoch) end
  s.owner, s.epoch = node, tostring(tonumber(s.epoch) + 1)
  redis.call('HSET', key, 'owner', node, 'epoch', s.epoch)
  sessions.tell(nodes, node, 'adopt', sid, s.epoch, s.dead, unpack(sessions.joined(s)))
  local kept, first = sessions.kept(s)
  for i, body in ipairs(kept) do sessions.tell(nodes, node, 'push', sid, s.epoch, first + i - 1, body) end
  return true
end

-- Whether clients may still use it: there, not over, not moved to a WebSocket.
function sessions.usable(s, steady)
  return s and not s.moved and tonumber(s.dead) > tonumber(steady)
end

-- Whether who says that it owns the session in an epoch (not "") has given it up, or another one has taken it over.
function sessions.is_not_of(s, epoch)
  return epoch ~= '' and (s.epoch ~= epoch or not s.owner)
end
