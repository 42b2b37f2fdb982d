-- What the acts on rooms share: which nodes hold seats.
-- KEYS: none of its own; `base` is that of the sets of rooms per node, without the node
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: all of it is found out anew
-- Finds out which nodes hold a seat of `r`: their list, and the fields of the room's hash that say so; also for each seat
-- (`n:<user>`) what its lines need: everyone, the nodes that hold a seat of the others, and the rest of its own.
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
    local others, own = {}, {}
    for _, at in ipairs(list) do
      local which = (next(holders[at]) ~= user or next(holders[at], user)) and others or own
      which[#which + 1] = at
    end
    fields[#fields + 1] = 'n:' .. user
    fields[#fields + 1] = table.concat({r.to, table.concat(others, ' '), table.concat(own, ' ')}, US)
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
