-- What the acts on queues share: standing in line. An entry of `seekers` is "ticket|wait|recent".
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines `queues`
-- twice: who stands in line keeps the place
queues = {}

-- Puts a seeker into the queue, at the place of the time of entering; the position, 1 is the front. Pairs may be made with
-- somebody `wait` ms after that time.
function queues.join(queue, seekers, user, ticket, since, wait, recent)
  redis.call('ZADD', queue, since, user)
  redis.call('HSET', seekers, user, ticket .. '|' .. wait .. '|' .. recent)
  return redis.call('ZRANK', queue, user) + 1
end

-- Whether an entry is that of a ticket.
function queues.is_of(entry, ticket) return entry and string.sub(entry, 1, #ticket + 1) == ticket .. '|' end

-- Takes people out, as many as there are in the list.
function queues.take_out(queue, seekers, people)
  if #people == 0 then return end
  redis.call('ZREM', queue, unpack(people))
  redis.call('HDEL', seekers, unpack(people))
end
