-- An offer has been seen through: it leaves the stream.
-- KEYS: 1 offers
-- ARGV: 1 consumer group, 2 id of the offer
-- returns: "settled"
-- twice: there is nothing left to delete
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return {'settled'}
