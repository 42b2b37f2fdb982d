-- Takes a seeker out of the queue.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 user, 2 ticket
-- returns: "left" | "not_there" (not waiting, or with another ticket)
-- twice: the second time the seeker is not there
if not queues.is_of(redis.call('HGET', KEYS[2], ARGV[1]), ARGV[2]) then return {'not_there'} end
queues.take_out(KEYS[1], KEYS[2], {ARGV[1]})
return {'left'}
