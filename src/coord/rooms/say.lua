-- A line in a room: membership, the sender's sliding window, the log, and one notice per node that has somebody to tell.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 message id, 4 text, 5 client message id or "", 6 its mark (8 characters), 7 limit, 8 window ms, 9 lines the log keeps, 10 marks remembered,
--       11 "1" when the sender's own sockets on this node are told as well
-- returns: "said" message_id at_ms | "slow_down" ms until a line is free | "no_room"
-- twice: a client message id that was said before answers with the first message; calls sent twice: see the prelude
local who, mid, cid, mark, limit = ARGV[2], ARGV[3], ARGV[5], ARGV[6], tonumber(ARGV[7])
local r = redis.call('HMGET', KEYS[1], 'n:' .. who, 'to', 's:' .. who, 'w:' .. who, 't:' .. who, 'lines', 'c:' .. who)
local others, window, typed, lines, marks = r[1], r[4] or '', r[5], tonumber(r[6] or '0') + 1, r[7] or ''
if not others or not r[3] then return {'no_room'} end
if cid ~= '' then
  -- A mark only says that it is worth looking: the ids themselves are in the log.
  if string.find(marks, mark, 1, true) then
    for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-')) do
      local f = entry[2]
      if f[2] == who and f[10] == cid then return {'said', f[4], f[6]} end
    end
  end
  marks = string.sub(marks .. mark, -8 * ARGV[10])
end
-- The window is the times of the last `limit` lines, 13 digits each: full and its oldest still inside means no.
if #window >= 13 * limit then
  local free_at = tonumber(string.sub(window, 1, 13)) + tonumber(ARGV[8])
  if free_at > now then return {'slow_down', free_at - now} end
  window = string.sub(window, 14)
end
local id = redis.call('XADD', KEYS[2], '*', 's', who, 'm', mid, 'a', now_text, 'x', ARGV[4], 'c', cid)
redis.call('HSET', KEYS[1], 'w:' .. who, window .. now_text, 'c:' .. who, marks, 'active', now_text, 'lines', string.format('%d', lines))
if typed then redis.call('HDEL', KEYS[1], 't:' .. who) end
-- Trimming every 16th line costs less than a bounded XADD each time.
if lines % 16 == 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[9]) end
local payload = table.concat({r[2], 'said', ARGV[1], typed and 'typed' or '', id, who, mid, now_text, ARGV[4]}, US)
for at in string.gmatch(others, '%S+') do notify(at, 'n', payload) end
-- Sockets of the sender elsewhere may want their own lines; what those here want is known.
for at in string.gmatch(r[3], '(%S+)/%S+') do
  if (at ~= node or ARGV[11] == '1') and not string.find(others, at, 1, true) then
    others = others .. ' ' .. at
    notify(at, 'n', payload)
  end
end
return {'said', mid, now_text}
