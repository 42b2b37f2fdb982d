-- Puts a seeker into the queue, at the place of the time of entering.
-- KEYS: 1 queue, 2 seekers
-- ARGV: 1 user, 2 ticket, 3 entered at, ms, 4 how long before the first pairing, ms, 5 recent partners ("user ms,user ms,...")
-- returns: "joined" position (1 is the front)
-- twice: a seeker with the same ticket keeps the place; a new ticket replaces the old
return {'joined', queues.join(KEYS[1], KEYS[2], unpack(ARGV))}
