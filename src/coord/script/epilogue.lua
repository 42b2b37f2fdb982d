-- Closes every call: runs the acts in order, then sends what they have to tell.
-- KEYS: see the prelude
-- ARGV: see the prelude
-- returns: see the prelude
-- twice: see the prelude
-- Lua's stack bounds what one call can be given: what is longer is cut into pieces.
local most = 4000
local function slice(all, from, count)
  if count <= most then return {unpack(all, from + 1, from + count)} end
  local out = {}
  for i = 1, count do out[i] = all[from + i] end
  return out
end

local fenced = not redis.call('ZSCORE', KEYS[1], node)
local replies = {}
local acts = {}
local next_key, next_arg = 3, 8
for i = 1, tonumber(ARGV[8]) do
  local name, keys, args = ARGV[next_arg + 1], tonumber(ARGV[next_arg + 2]), tonumber(ARGV[next_arg + 3])
  local own_keys, own_args = slice(KEYS, next_key, keys), slice(ARGV, next_arg + 3, args)
  next_key, next_arg = next_key + keys, next_arg + 3 + args
  if fenced and name ~= 'register' then
    replies[i] = {'fenced'}
  else
    acts[name] = acts[name] or find(name)
    local fine, reply = pcall(acts[name], own_keys, own_args)
    if fine then
      replies[i] = reply
    else
      replies[i] = {'fault', type(reply) == 'table' and reply.err or tostring(reply)}
    end
  end
end
for _, to_node in ipairs(inboxes) do
  local inbox, tale = ARGV[4] .. to_node, told[to_node]
  for from = 1, #tale, most do
    redis.call('XADD', inbox, '*', unpack(tale, from, math.min(from + most - 1, #tale)))
  end
  -- Whatever is cut off was never read, or not yet trimmed by a node that reads too slowly: it is told with its lease.
  if redis.call('XLEN', inbox) > tonumber(ARGV[5]) then
    redis.call('XTRIM', inbox, 'MAXLEN', ARGV[5])
    redis.call('SADD', KEYS[3], to_node)
  end
end
redis.call('SET', KEYS[2], ARGV[1] .. cmsgpack.pack(replies), 'PX', ARGV[6])
return replies
