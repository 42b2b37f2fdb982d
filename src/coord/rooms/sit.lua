-- A socket of a participant takes the seat: one more socket, or the return of somebody whose seat was held. It is given
-- what may have been missed. A seat that still names other sockets may be that of a connection that died without a word:
-- then what it may not have brought is missing too.
-- KEYS: 1 room, 2 log, 3 timers, 4 sets of rooms per node (without the node), 5 inbox (without the node)
-- ARGV: 1 room, 2 user, 3 sid, 4 first entry that a socket which died unnoticed may not have brought, ms
-- returns: "present" people last_entry whole missed... | "retaken" people last_entry whole missed... ("whole" or "cut") | "ended" why by people |
--       "opening" | "none" (no such room, or not a seat of this user)
-- twice: the socket is in the seat once; the second time it is "present", and given what it may not have brought
local r = rooms.read(KEYS[1])
local word, since, at = rooms.take(r, ARGV, KEYS)
if word ~= 'present' and word ~= 'retaken' then return rooms.no_seat(r, word) end
local missed = since
for place, sid in string.gmatch(at, '(%S+)/(%S+)') do
  local from = ARGV[4]
  -- The same socket moved here: what its old node was told and did not tell is missing, or all that a dead one may have
  -- told in vain, or one whose inbox was cut. Was it here before, this node asks twice at once: whichever answer is heard
  -- first must have everything.
  if sid == ARGV[3] and place ~= node and alive(place) and not cut(place) then
    from = rooms.unread_from(KEYS[5] .. place)
  end
  if from and (not missed or tonumber(from) < tonumber(missed)) then missed = from end
end
local reply = {word, r.to, rooms.newest(KEYS[2]), 'whole'}
if not missed then return reply end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], missed, '+')) do reply[#reply + 1] = rooms.entry(ARGV[1], entry) end
-- From the first there could be on, nothing that is there comes before.
if #reply > 4 and not rooms.whole(KEYS[2], missed == '0' and '-' or missed) then reply[4] = 'cut' end
return reply
