-- A line in a room: membership, the sender's sliding window, the log, and one notice per node that has somebody to tell.
-- KEYS: 1 room, 2 log
-- ARGV: 1 room, 2 user, 3 line (see log.lua), 4 client message id or "", 5 its mark (4 characters) or "", 6 limit, 7 window ms,
--       8 lines the log keeps, 9 marks remembered, 10 "1" when the sender's own sockets on this node are told as well
-- returns: "said" (message_id at_ms, when it was said before) | "slow_down" ms until a line is free | "no_room"
-- twice: a client message id that was said before answers with the first message; calls sent twice: see the prelude
local who, line, cid, mark, limit = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local r = redis.call('HMGET', KEYS[1], 'n:' .. who, 'd:' .. who, 't:' .. who)
if not r[1] then return {'no_room'} end
-- What they said lately: how much in all, 4 bytes; how many times follow, 1 byte; the times of the last `limit` lines, 6
-- bytes each; the marks of the last client message ids.
local lately, typed = r[2] or '\0\0\0\0\0', r[3]
local said, times = struct.unpack('>I4B', lately)
local from, marks = 6, 6 + 6 * times
-- A mark only says that it is worth looking: the ids themselves are in the log.
if cid ~= '' and string.find(lately, mark, marks, true) then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-')) do
    local f = entry[2]
    if f[4] == cid and string.sub(f[2], 1, #who + 1) == who .. US then
      return {'said', string.match(f[2], '^[^\31]*\31([^\31]*)\31([^\31]*)')}
    end
  end
end
-- Full, and the oldest still inside the window, means no.
while times >= limit do
  local free_at = struct.unpack('>I6', lately, from) + tonumber(ARGV[7])
  if free_at > now then return {'slow_down', free_at - now} end
  from, times = from + 6, times - 1
end
said = said + 1
local known = math.max(marks, #lately + 1 - 4 * (ARGV[9] - 1))
lately = struct.pack('>I4B', said, times + 1) .. string.sub(lately, from, marks - 1) .. struct.pack('>I6', now)
  .. string.sub(lately, known) .. mark
local id
if cid == '' then id = redis.call('XADD', KEYS[2], '*', 'l', line) else id = redis.call('XADD', KEYS[2], '*', 'l', line, 'c', cid) end
redis.call('HSET', KEYS[1], 'd:' .. who, lately)
if typed then redis.call('HDEL', KEYS[1], 't:' .. who) end
-- Trimming every 16th line costs less than a bounded XADD each time.
if said % 16 == 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[8]) end
local to, others, own = string.match(r[1], '^(.-)\31(.-)\31(.*)$')
local payload = to .. '\31said\31' .. ARGV[1] .. (typed and '\31typed\31' or '\31\31') .. id .. US .. line
for at in string.gmatch(others, '%S+') do notify(at, 'n', payload) end
-- Sockets of the sender elsewhere may want their own lines; what those here want is known.
for at in string.gmatch(own, '%S+') do
  if at ~= node or ARGV[10] == '1' then notify(at, 'n', payload) end
end
return {'said'}
