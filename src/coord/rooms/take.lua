-- What the acts that put a socket into a seat share.
-- KEYS: none of its own; functions are given those of the act: 1 room, 2 log, 3 timers, 4 sets of rooms per node (without the node)
-- ARGV: none of its own; functions are given those of the act: 1 room, 2 user, 3 sid
-- returns: nothing; defines more of `rooms`
-- twice: the socket is in the seat once
local function without(seat, place_pattern) return (string.gsub(seat, ' ' .. place_pattern .. '%f[ %z]', '')) end

local function literal(text) return (string.gsub(text, '%p', '%%%0')) end

-- Puts the socket into the user's seat, in the place of `before` if there is one; "present" or "retaken", since when
-- somebody whose seat was held may have missed something, and who was in the seat. A word only when there is no seat, or
-- when the room is not open yet: that will be told.
function rooms.take(r, args, keys, before)
  local room, user, sid = args[1], args[2], args[3]
  local over = r and (r.state == 'ended' or r.state == 'discarded')
  if over and string.find(' ' .. r.to .. ' ', ' ' .. user .. ' ', 1, true) then
    -- Whoever was offered a room that was swept away is about to be back in the queue.
    return r.state == 'discarded' and 'opening' or 'ended'
  end
  local seat = r and r.seat[user]
  if not seat then return 'none' end
  local word, was = 'present', seat
  local since = string.match(seat, '^h %d+ (%S+)$')
  if since then
    word, seat = 'retaken', 'p'
    redis.call('ZREM', keys[3], 'hold|' .. room .. '|' .. user)
  elseif seat == 'e' then
    seat = 'p'
  end
  -- A socket that moved here from another node leaves its old place.
  seat = without(seat, '[^ /]+/' .. literal(sid))
  if before and before ~= '' then seat = without(seat, literal(before)) end
  r.seat[user] = seat .. ' ' .. node .. '/' .. sid
  redis.call('HSET', keys[1], 's:' .. user, r.seat[user])
  rooms.store_nodes(r, room, keys[4])
  if r.state == 'opening' then return 'opening' end
  if since then
    local retaken = rooms.log(keys[2], room, 'retaken', user, now_text)
    rooms.tell(r.nodes, rooms.others(r.to, user) .. US .. retaken)
  end
  return word, since, was
end

function rooms.no_seat(r, word)
  if word == 'opening' then return {'opening'} end
  if word == 'ended' then return {'ended', r.why, r.by, r.to} end
  return {'none'}
end
