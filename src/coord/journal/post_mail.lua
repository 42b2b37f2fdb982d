-- Somebody is to be sent a mail: a fact that whoever reads the journal sends.
-- KEYS: 1 journal
-- ARGV: 1 to, 2 kind, 3 name, 4 code or link, 5 at, ms
-- returns: "posted"
-- twice: a call is answered once; a mail that is posted twice all the same is read twice, with the same code
redis.call('XADD', KEYS[1], '*', 'fact', 'mail', 'to', ARGV[1], 'kind', ARGV[2], 'name', ARGV[3],
  'code_or_link', ARGV[4], 'at', ARGV[5])
return {'posted'}
