-- What the acts on rooms share: seats, and where their people are.
-- A seat is "p node/sid node/sid ..." (present), "h until since" (held) or "e" (offered, nobody there yet).
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines `rooms`
-- twice: holding a held seat moves its end; the rest reads or recomputes
rooms = {}

-- The room's hash as a table, seats under `seat`; nil unless the room is open or opening.
function rooms.read(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local r = {key = key, seat = {}}
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 2) == 's:' then
      r.seat[string.sub(flat[i], 3)] = flat[i + 1]
    else
      r[flat[i]] = flat[i + 1]
    end
  end
  return r
end

-- Finds out which nodes hold a seat of `r`: their list, and the fields of the room's hash that say so, also for each seat
-- which nodes hold one of the others (`n:<user>`).
function rooms.find_nodes(r)
  local holders, list = {}, {}
  for user, seat in pairs(r.seat) do
    for at in string.gmatch(seat, '([^/ ]+)/[^ ]+') do
      if not holders[at] then
        holders[at] = {}
        list[#list + 1] = at
      end
      holders[at][user] = true
    end
  end
  table.sort(list)
  r.nodes = table.concat(list, ' ')
  local fields = {'nodes', r.nodes}
  for user in pairs(r.seat) do
    local others = {}
    for _, at in ipairs(list) do
      if next(holders[at]) ~= user or next(holders[at], user) then others[#others + 1] = at end
    end
    fields[#fields + 1] = 'n:' .. user
    fields[#fields + 1] = table.concat(others, ' ')
  end
  return list, fields
end

-- Stores which nodes hold a seat of `r`, and keeps the per-node sets of rooms in step.
function rooms.store_nodes(r, room, base)
  local before = r.nodes or ''
  local list, fields = rooms.find_nodes(r)
  for _, at in ipairs(list) do redis.call('SADD', base .. at, room) end
  for at in string.gmatch(before, '%S+') do
    if not string.find(' ' .. r.nodes .. ' ', ' ' .. at .. ' ', 1, true) then redis.call('SREM', base .. at, room) end
  end
  redis.call('HSET', r.key, unpack(fields))
end

function rooms.hold(r, room, user, timers, until_ms, since)
  r.seat[user] = 'h ' .. until_ms .. ' ' .. since
  redis.call('HSET', r.key, 's:' .. user, r.seat[user])
  redis.call('ZADD', timers, until_ms, 'hold|' .. room .. '|' .. user)
end
