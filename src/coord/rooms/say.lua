-- A line in a room: membership, the sender's sliding window, the log, and one notice per node that holds a seat.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 message id, 4 text, 5 client message id or "", 6 limit, 7 window ms, 8 lines the log keeps, 9 client ids remembered
-- returns: "said" message_id at_ms | "slow_down" ms until a line is free | "no_room"
-- twice: a client message id that was said before answers with the first message; calls sent twice: see the prelude
local who, mid, cid, limit = ARGV[2], ARGV[3], ARGV[5], tonumber(ARGV[6])
local r = redis.call('HMGET', KEYS[1], 'nodes', 'to', 's:' .. who, 'w:' .. who, 't:' .. who, 'lines', 'c:' .. who)
local nodes, window, typed, lines, ids = r[1], r[4] or '', r[5], tonumber(r[6] or '0') + 1, r[7] or ''
if not nodes or not r[3] then return {'no_room'} end
if cid ~= '' then
  local _, from = string.find(ids, ' ' .. cid .. '=', 1, true)
  if from then
    local first_mid, at = string.match(ids, '^(%S+)=(%d+)', from + 1)
    return {'said', first_mid, at}
  end
end
-- The window is the times of the last `limit` lines, 13 digits each: full and its oldest still inside means no.
if #window >= 13 * limit then
  local free_at = tonumber(string.sub(window, 1, 13)) + tonumber(ARGV[7])
  if free_at > now then return {'slow_down', free_at - now} end
  window = string.sub(window, 14)
end
local id = redis.call('XADD', KEYS[2], '*', 's', who, 'm', mid, 'a', now_text, 'x', ARGV[4])
if cid ~= '' then
  ids = ids .. ' ' .. cid .. '=' .. mid .. '=' .. now_text
  local _, count = string.gsub(ids, ' ', '')
  if count > tonumber(ARGV[9]) then ids = string.sub(ids, (string.find(ids, ' ', 2, true))) end
  redis.call('HSET', KEYS[1], 'c:' .. who, ids)
end
redis.call('HSET', KEYS[1], 'w:' .. who, window .. now_text, 'active', now_text, 'lines', string.format('%d', lines))
if typed then redis.call('HDEL', KEYS[1], 't:' .. who) end
-- Trimming every 16th line costs less than a bounded XADD each time.
if lines % 16 == 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[8]) end
local payload = table.concat({r[2], 'said', ARGV[1], typed and 'typed' or '', id, who, mid, now_text, ARGV[4]}, US)
for at in string.gmatch(nodes, '%S+') do notify(at, 'n', payload) end
return {'said', mid, now_text}
