// What must be one step in Redis, as scripts: the client sends their hash and loads them when Redis does not know it.
import { defineScript } from "redis";

// A line in a room: the sender's sliding window (times of the last lines, newest first), then the room's log.
// Answers 0, or the milliseconds until a line is free.
const say = defineScript({
  NUMBER_OF_KEYS: 2,
  SCRIPT: `
    local now, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local oldest = redis.call('LINDEX', KEYS[1], limit - 1)
    if oldest and oldest + window > now then return oldest + window - now end
    redis.call('LPUSH', KEYS[1], ARGV[1])
    redis.call('LTRIM', KEYS[1], '0', ARGV[2] - 1)
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 's', ARGV[5], 'm', ARGV[6], 'x', ARGV[7])
    return 0`,
  parseCommand(parser, { window, log, now, rules, user, message, text }) {
    parser.pushKey(window);
    parser.pushKey(log);
    parser.push(`${now}`, `${rules.limit}`, `${rules.windowMs}`, `${rules.logKeeps}`, user, message, text);
  },
  transformReply: (wait) => wait,
});

// Takes the longest waiting other seeker, or waits. Answers the partner, or the number of those who wait.
const seek = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    local first = redis.call('ZRANGE', KEYS[1], '0', '1')
    local partner = first[1] ~= ARGV[1] and first[1] or first[2]
    if partner then
      redis.call('ZREM', KEYS[1], partner, ARGV[1])
      return partner
    end
    redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
    return redis.call('ZCARD', KEYS[1])`,
  parseCommand(parser, { queue, seeker, now }) {
    parser.pushKey(queue);
    parser.push(seeker, `${now}`);
  },
  transformReply: (partner) => partner,
});

export const scripts = { say, seek };
