-- What the acts share by which a user begins to seek, and is taken for a room.
-- KEYS: none of its own
-- ARGV: none
-- returns: nothing; defines more of `users`
-- twice: who seeks goes on with the first ticket; who was taken for the room is taken for it again
-- idle -> seeking; "entered", or "seeking" when the user did before.
function users.enter(u, queue, ticket)
  if u.state == 'seeking' then return 'seeking' end
  u.state, u.queue, u.ticket, u.since = 'seeking', queue, ticket, now_text
  redis.call('HSET', u.key, 'state', 'seeking', 'queue', queue, 'ticket', ticket, 'since', now_text)
  return 'entered'
end

-- A word, then the stay and the partners of before.
function users.stay(u, word, recent)
  return {word, u.queue, u.ticket, u.since, unpack(redis.call('LRANGE', recent, '0', '-1'))}
end

-- What a seeker with this ticket is to a room: "free", "absent" (without a socket), "taken" (for this very room) or "gone".
function users.had(u, ticket, room)
  if u.state == 'seated' and u.room == room then return 'taken' end
  if u.state ~= 'seeking' or u.ticket ~= ticket then return 'gone' end
  return u.count == 0 and 'absent' or 'free'
end

-- seeking -> seated(room); the last `most` rooms that the user was taken for are the trail.
function users.take(u, room, most)
  local trail = {}
  for known in string.gmatch(u.trail or '', '%S+') do if known ~= room then trail[#trail + 1] = known end end
  trail[#trail + 1] = room
  u.trail = table.concat(trail, ' ', math.max(1, #trail - tonumber(most) + 1))
  redis.call('HSET', u.key, 'state', 'seated', 'room', room, 'trail', u.trail)
end
