-- A session that is taken up again takes the seat, and is given exactly what came after the entry it heard last.
-- KEYS: 1 room, 2 log, 3 timers, 4 sets of rooms per node (without the node)
-- ARGV: 1 room, 2 user, 3 sid, 4 last entry heard, or "-" for none, 5 "node/sid" of the connection before, or ""
-- returns: "present" people last_entry whole missed... | "retaken" people last_entry whole missed... ("whole" or "cut") | "ended" why by people |
--       "opening" | "none"
-- twice: the socket is in the seat once; the same entries are given again
local r = rooms.read(KEYS[1])
local word = rooms.take(r, ARGV, KEYS, ARGV[5])
if word ~= 'present' and word ~= 'retaken' then return rooms.no_seat(r, word) end
local missed, whole = rooms.since(KEYS[2], ARGV[1], ARGV[4])
local reply = {word, r.to, rooms.newest(KEYS[2]), whole and 'whole' or 'cut'}
for _, entry in ipairs(missed) do reply[#reply + 1] = entry end
return reply
