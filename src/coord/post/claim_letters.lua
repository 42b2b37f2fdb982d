-- Takes letters that are to be tried; they are to be tried again unless dropped or put off in time.
-- KEYS: 1 post, 2 letters (see put_letter.lua)
-- ARGV: 1 how many at most, 2 those to be tried by, ms, 3 to be tried again at, ms
-- returns: "letters", then letter attempt text of each, the first attempt being 1
-- twice: what was taken is not to be tried before its new time
local reply = {'letters'}
for _, letter in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', '0', ARGV[1])) do
  redis.call('ZADD', KEYS[1], ARGV[3], letter)
  reply[#reply + 1] = letter
  reply[#reply + 1] = redis.call('HINCRBY', KEYS[2], letter .. ':n', '1')
  reply[#reply + 1] = redis.call('HGET', KEYS[2], letter) or ''
end
return reply
