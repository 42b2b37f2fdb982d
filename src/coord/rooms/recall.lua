-- A participant asks for the room's state: the last lines come through the inbox, before anything newer.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 sid, 4 how many lines at most
-- returns: "recalled" people | "no_room"
-- twice: the same lines are sent again
local r = redis.call('HMGET', KEYS[1], 'nodes', 'to', 's:' .. ARGV[2], 'kind')
if not r[1] or not r[3] then return {'no_room'} end
local lines = rooms.last_lines(KEYS[2], tonumber(ARGV[4]))
local payload = {'@' .. ARGV[3], 'resumed', ARGV[1], r[4], r[2], #lines}
for i = 1, #lines do payload[#payload + 1] = lines[i] end
notify(node, 'n', table.concat(payload, US))
return {'recalled', r[2]}
