-- A namespace was left.
-- KEYS: 1 session
-- ARGV: 1 epoch of the owner, 2 namespace
-- returns: "parted" | "lost"
-- twice: the fields are gone already
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {'lost'} end
sessions.forget_socket(KEYS[1], ARGV[2])
return {'parted'}
