-- A socket of a participant takes the seat: one more socket, or the return of somebody whose seat was held. Who returns
-- is sent, through the inbox and before anything newer, the lines that may have been missed. A seat that still names
-- other sockets may be that of a connection that died without a word: then what it may not have brought is sent too.
-- KEYS: 1 room, 2 log, 3 timers, 4 sets of rooms per node (without the node), 5 inbox (without the node)
-- ARGV: 1 room, 2 user, 3 sid, 4 first line that a socket which died unnoticed may not have brought, ms
-- returns: "present" people last_line | "retaken" people last_line | "ended" why by people | "none" (no such room, or not a seat of this user)
-- twice: the socket is in the seat once; the second time it is "present"
local r = rooms.read(KEYS[1])
if r and r.state == 'ended' and string.find(' ' .. r.to .. ' ', ' ' .. ARGV[2] .. ' ', 1, true) then
  return {'ended', r.why, r.by, r.to}
end
local seat = r and r.seat[ARGV[2]]
if not seat then return {'none'} end
local place, word = node .. '/' .. ARGV[3], 'present'
local since = string.match(seat, '^h %d+ (%S+)$')
if since then
  word, seat = 'retaken', 'p'
  redis.call('ZREM', KEYS[3], 'hold|' .. ARGV[1] .. '|' .. ARGV[2])
elseif seat == 'e' then
  seat = 'p'
end
local missed = since
for at, sid in string.gmatch(seat, '(%S+)/(%S+)') do
  -- The same socket moved here; its old node may have died with notices unread.
  local from = sid ~= ARGV[3] and ARGV[4] or at ~= node and rooms.unread_from(KEYS[5] .. at)
  if from and (not missed or tonumber(from) < tonumber(missed)) then missed = from end
end
-- A socket that moved here from another node leaves its old place.
seat = string.gsub(seat, ' [^ /]+/' .. string.gsub(ARGV[3], '%p', '%%%0') .. '%f[ %z]', '')
seat = seat .. ' ' .. place
r.seat[ARGV[2]] = seat
redis.call('HSET', KEYS[1], 's:' .. ARGV[2], seat)
rooms.store_nodes(r, ARGV[1], KEYS[4])
if since then
  rooms.tell(r.nodes, table.concat({rooms.others(r.to, ARGV[2]), 'retaken', ARGV[1], ARGV[2], now_text}, US))
end
if missed then rooms.replay(KEYS[2], ARGV[1], ARGV[3], missed) end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')[1]
return {word, r.to, newest and newest[1] or '0-0'}
