-- What the acts on users share: reading a user's hash and letting go of sockets.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines `users`
-- twice: reading is harmless; `drop` finds no socket the second time
users = {}

-- The hash as a table; fields[sid] of sockets as `sockets`, their number as `count`, those on `on_node` as `here`; what
-- their clients may take up again as `session`.
function users.read(key, on_node)
  local flat = redis.call('HGETALL', key)
  local u = {key = key, sockets = {}, count = 0, here = 0, session = {}}
  for i = 1, #flat, 2 do
    if string.byte(flat[i]) == 64 then
      u.sockets[string.sub(flat[i], 2)] = flat[i + 1]
      u.count = u.count + 1
      if flat[i + 1] == on_node then u.here = u.here + 1 end
    elseif string.byte(flat[i]) == 35 then
      u.session[string.sub(flat[i], 2)] = flat[i + 1]
    else
      u[flat[i]] = flat[i + 1]
    end
  end
  return u
end

-- `node/sid node/sid ...`, as seats hold them.
function users.places(u)
  local out = {}
  for sid, at in pairs(u.sockets) do out[#out + 1] = at .. '/' .. sid end
  table.sort(out)
  return table.concat(out, ' ')
end

-- The user's sockets are gone: out of the counts; idle users are forgotten, seekers keep their place for a while.
function users.absent(u, user, counts, timers, give_up_at)
  redis.call('HINCRBY', counts, 'online', '-1')
  if u.mode then
    redis.call('HINCRBY', counts, u.mode, '-1')
    redis.call('HDEL', u.key, 'mode')
  end
  redis.call('HSET', counts, 'changed', '1')
  if u.state == 'seeking' then
    redis.call('ZADD', timers, give_up_at, 'seek|' .. user)
  elseif u.state ~= 'seated' then
    redis.call('DEL', u.key)
  end
end

-- The words given, then the state and what belongs to it: queue, ticket, since / room
function users.standing(u, ...)
  local reply = {...}
  local rest = {'idle'}
  if u.state == 'seeking' then rest = {'seeking', u.queue, u.ticket, u.since} end
  if u.state == 'seated' then rest = {'seated', u.room} end
  for _, word in ipairs(rest) do reply[#reply + 1] = word end
  return reply
end
