-- What the acts on rooms share: the room's log. A line is "l line c client_message_id" (the latter if there is one), a line
-- being user, message, at, text; everything else that its people are told and must not miss is "k kind d body". Line and
-- body are as they stand in the notice.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: entries are known by their ids
-- Appends what happened; what to tell of it. Lines are what usually keeps the log short (say.lua): this is for people who
-- say nothing and come and go for hours.
function rooms.log(log, room, kind, ...)
  local body = table.concat({...}, US)
  local id = redis.call('XADD', log, 'MAXLEN', '~', '10000', '*', 'k', kind, 'd', body)
  return table.concat({kind, room, id, body}, US)
end

-- A line of the log as the fields of a notice; nil for what is no line.
function rooms.line(entry)
  local f = entry[2]
  return f[1] == 'l' and entry[1] .. US .. f[2] or nil
end

-- An entry of the log as a notice, but for whom.
function rooms.entry(room, entry)
  local line = rooms.line(entry)
  if line then return table.concat({'said', room, '', line}, US) end
  return table.concat({entry[2][2], room, entry[1], entry[2][4]}, US)
end

-- The last lines, oldest first.
function rooms.last_lines(log, most)
  local lines = {}
  for _, entry in ipairs(redis.call('XRANGE', log, '-', '+')) do lines[#lines + 1] = rooms.line(entry) end
  return {unpack(lines, math.max(1, #lines - most + 1))}
end

-- The id of the newest entry.
function rooms.newest(log)
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', '1')[1]
  return newest and newest[1] or '0-0'
end

-- Whether everything after `from` ("-": from the start on) is still in a log that is there: what comes after an entry that
-- is there is, and so is all of a log from which nothing was ever cut.
function rooms.whole(log, from)
  if from ~= '-' and #redis.call('XRANGE', log, '-', from, 'COUNT', '1') == 1 then return true end
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do info[info[i]] = info[i + 1] end
  return info['entries-added'] == info.length
end

-- What came after the entry `from` ("-": from the start on), and whether all of it is still there.
function rooms.since(log, room, from)
  local out = {}
  if redis.call('EXISTS', log) == 0 then return out, from == '-' end
  local whole = rooms.whole(log, from)
  for _, entry in ipairs(redis.call('XRANGE', log, from == '-' and '-' or '(' .. from, '+')) do
    out[#out + 1] = rooms.entry(room, entry)
  end
  return out, whole
end
