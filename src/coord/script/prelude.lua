-- Opens every call: replays, fences, and gives each act its `now`, `node`, `notify` and its own KEYS and ARGV.
-- KEYS: 1 nodes (zset of leases), 2 done (last call of this node here), 3 gaps (nodes whose inbox was cut), then the keys of each act in turn
-- ARGV: 1 call id, 2 node, 3 now ms, 4 inbox key without the node, 5 inbox cap, 6 ttl of done in ms, 7 last call of this
--       node that was answered here or "", 8 number of acts, then per act: name, number of keys, number of args, the args
-- returns: one array per act, its first element a word; {"fault", text} where an act failed; {"fenced"} for all when the
--       calling node holds no lease; the error LOST and the last call that is known, where a later one was answered
-- twice: a call that the client sends again after a broken connection has the same id and gets the first answer; one that
--       comes after a later call of its node (its sender gave up on it) is not heard at all
local node, now, now_text = ARGV[2], tonumber(ARGV[3]), ARGV[3]
local US = '\31'
local nodes_key, gaps_key = KEYS[1], KEYS[3]
local done = redis.call('GET', KEYS[2])
local last = done and string.sub(done, 1, #ARGV[1])
if last == ARGV[1] then return cmsgpack.unpack(string.sub(done, #ARGV[1] + 1)) end
if last and last > ARGV[1] then return redis.error_reply('LATE a later call of this node was heard before') end
-- What was answered and is not known any more was lost with a server: nothing new before the node has repeated it.
if (last or '') < ARGV[7] then return redis.error_reply('LOST ' .. (last or '')) end

-- Whether a node holds a lease here: nothing may be sent to one that does not, as nobody would ever remove it.
local function alive(which) return redis.call('ZSCORE', nodes_key, which) end

-- Whether what a node was to be told may have been cut off before it read it.
local function cut(which) return redis.call('SISMEMBER', gaps_key, which) == 1 end

local told, inboxes = {}, {}
-- Puts one notice into the inbox of `to_node`; all notices of a call to one node travel as one entry.
local function notify(to_node, field, payload)
  local entry = told[to_node]
  if not entry then
    entry = {}
    told[to_node] = entry
    inboxes[#inboxes + 1] = to_node
  end
  entry[#entry + 1] = field
  entry[#entry + 1] = payload
end

