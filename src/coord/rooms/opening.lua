-- What the acts share by which a room opens. `k` is what the rooms of an act have in common, and gathers what is written
-- once for all of them.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: who was taken for the room is taken for it again; a room that stands open is not opened again
function rooms.opening(timers, base, idle_at, held_until, trail)
  return {timers = timers, base = base, idle_at = idle_at, held_until = held_until, trail = trail,
    alive = {}, on = {}, over = {}, idle = {}}
end

-- A room with nobody in it, as `rooms.read` gives it.
function rooms.new(key, kind, a, b)
  return {key = key, kind = kind, opened = now_text, to = a .. ' ' .. b, seat = {[a] = 'e', [b] = 'e'}}
end

-- The sockets of a claimed user, a node per sid, come into the seat; those on dead nodes do not count. Their places.
local function fill(k, r, room, user, sockets)
  local was, seat, places = r.seat[user], r.seat[user], {}
  for sid, at in pairs(sockets) do
    local place = at .. '/' .. sid
    places[#places + 1] = place
    if k.alive[at] == nil then k.alive[at] = alive(at) end
    if k.alive[at] then
      local present = string.byte(seat) == 112
      if not present then
        seat = 'p ' .. place
      elseif not string.find(seat .. ' ', ' ' .. place .. ' ', 1, true) then
        seat = seat .. ' ' .. place
      end
    end
  end
  r.seat[user] = seat
  -- Whoever comes to an empty seat has missed everything.
  if seat == 'e' then rooms.hold(r, room, user, k.timers, k.held_until, '0') end
  if seat ~= was and string.byte(was) == 104 then redis.call('ZREM', k.timers, 'hold|' .. room .. '|' .. user) end
  return table.concat(places, ' ')
end

-- Claimed people take their seats with all their sockets, and are told. The notice names the places, so that a node whose
-- socket has gone meanwhile takes it out again.
function rooms.announce(k, r, room, log, a, sockets_a, b, sockets_b)
  local of_a, of_b = fill(k, r, room, a, sockets_a), fill(k, r, room, b, sockets_b)
  local list, fields = rooms.find_nodes(r)
  redis.call('HSET', r.key, 'state', 'open', 'kind', r.kind, 'opened', r.opened, 'to', r.to,
    's:' .. a, r.seat[a], 's:' .. b, r.seat[b], unpack(fields))
  local body = table.concat({r.to, rooms.log(log, room, 'seated', r.kind, r.to, now_text), of_a .. ' ' .. of_b}, US)
  for _, at in ipairs(list) do
    k.on[at] = k.on[at] or {}
    table.insert(k.on[at], room)
    notify(at, 'n', body)
  end
  k.idle[#k.idle + 1] = k.idle_at
  k.idle[#k.idle + 1] = 'idle|' .. room
end
