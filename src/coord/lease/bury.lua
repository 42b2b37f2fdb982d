-- Ends the life of nodes whose lease has run out: from now on their calls are fenced, and their things can be taken over.
-- KEYS: 1 nodes, 2 dying
-- ARGV: 1 steady now, ms
-- returns: "dying", then every node that is to be taken over
-- twice: a node is in the set once
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1])) do
  redis.call('ZREM', KEYS[1], dead)
  redis.call('SADD', KEYS[2], dead)
end
local reply = {'dying'}
for _, dead in ipairs(redis.call('SMEMBERS', KEYS[2])) do reply[#reply + 1] = dead end
return reply
