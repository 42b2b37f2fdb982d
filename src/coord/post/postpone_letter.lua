-- A letter could not be sent now and is to be tried later.
-- KEYS: 1 post (see put_letter.lua)
-- ARGV: 1 letter, 2 when, ms
-- returns: "postponed" | "gone"
-- twice: it is tried at the same time
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {'gone'} end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return {'postponed'}
