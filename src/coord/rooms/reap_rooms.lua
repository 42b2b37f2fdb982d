-- Holds the seats that only a dead node had sockets for, a batch of rooms at a time. What the node had not dispatched
-- when it died tells from where its people may miss lines, and so does what it had, but on connections dead before it.
-- KEYS: 1 rooms of the dead node, 2 rooms (without the id), 3 timers, 4 sets of rooms per node (without the node), 5 inbox of the dead node
-- ARGV: 1 dead node, 2 batch, 3 held until, ms, 4 first entry that its connections may not have brought, ms
-- returns: "reaped" number (less than the batch: none are left)
-- twice: rooms already reaped are no longer in the set
-- Without an inbox it was never told anything; of one that was cut nobody knows what was lost.
local since = '0'
if redis.call('EXISTS', KEYS[5]) == 1 and not cut(ARGV[1]) then
  since = rooms.unread_from(KEYS[5])
  if not since then
    local info = redis.call('XINFO', 'STREAM', KEYS[5])
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then
        since = string.format('%d', tonumber(string.match(info[i + 1], '^%d+')) + 1)
      end
    end
  end
end
if tonumber(ARGV[4]) < tonumber(since) then since = ARGV[4] end
local places = ' ' .. string.gsub(ARGV[1], '%p', '%%%0') .. '/%S+'
local batch = redis.call('SRANDMEMBER', KEYS[1], ARGV[2])
for _, room in ipairs(batch) do
  local r = rooms.read(KEYS[2] .. room)
  if r and r.state ~= 'ended' then
    for user, seat in pairs(r.seat) do
      if string.byte(seat) == 112 then
        local left = string.gsub(seat, places, '')
        if left == 'p' then
          rooms.hold(r, room, user, KEYS[3], ARGV[3], since)
        elseif left ~= seat then
          r.seat[user] = left
          redis.call('HSET', r.key, 's:' .. user, left)
        end
      end
    end
    rooms.store_nodes(r, room, KEYS[4])
  end
  redis.call('SREM', KEYS[1], room)
end
return {'reaped', #batch}
