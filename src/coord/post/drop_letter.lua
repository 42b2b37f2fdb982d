-- A letter was sent, or never will be.
-- KEYS: 1 post, 2 letters (see put_letter.lua)
-- ARGV: 1 letter
-- returns: "dropped"
-- twice: the second time there is nothing to drop
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1], ARGV[1] .. ':n')
return {'dropped'}
