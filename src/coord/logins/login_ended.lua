-- Whether a socket may come in with a login.
-- KEYS: 1 revoked
-- ARGV: 1 login
-- returns: "holds" | "ended" why
-- twice: it only looks
local ended = redis.call('HGET', KEYS[1], ARGV[1])
if not ended then return {'holds'} end
return {'ended', string.match(ended, ' (.*)$')}
