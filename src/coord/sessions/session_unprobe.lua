-- A WebSocket that wanted to replace long-polling has gone before it did.
-- KEYS: 1 session
-- ARGV: 1 token of the attempt
-- returns: "polling"
-- twice: there is nothing left to delete
local probe = redis.call('HGET', KEYS[1], 'probe')
if probe and string.match(probe, '^(%S+)') == ARGV[1] then redis.call('HDEL', KEYS[1], 'probe') end
return {'polling'}
