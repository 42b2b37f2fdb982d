-- Closes every call: runs the acts in order, then sends what they have to tell.
-- KEYS: see the prelude
-- ARGV: see the prelude
-- returns: see the prelude
-- twice: see the prelude
local fenced = not redis.call('ZSCORE', KEYS[1], node)
local replies = {}
local next_key, next_arg = 2, 7
for i = 1, tonumber(ARGV[7]) do
  local name, keys, args = ARGV[next_arg + 1], tonumber(ARGV[next_arg + 2]), tonumber(ARGV[next_arg + 3])
  local own_keys, own_args = {}, {}
  for k = 1, keys do own_keys[k] = KEYS[next_key + k] end
  for a = 1, args do own_args[a] = ARGV[next_arg + 3 + a] end
  next_key, next_arg = next_key + keys, next_arg + 3 + args
  if fenced and name ~= 'register' then
    replies[i] = {'fenced'}
  else
    local fine, reply = pcall(acts[name], own_keys, own_args)
    if fine then
      replies[i] = reply
    else
      replies[i] = {'fault', type(reply) == 'table' and reply.err or tostring(reply)}
    end
  end
end
for _, to_node in ipairs(inboxes) do
  redis.call('XADD', ARGV[4] .. to_node, 'MAXLEN', '~', ARGV[5], '*', unpack(told[to_node]))
end
redis.call('SET', KEYS[2], ARGV[1] .. cmsgpack.pack(replies), 'PX', ARGV[6])
return replies
