// At most 10 lines in any 10 seconds. A refused line is answered by `rate_limit_exceeded {message, remaining}` (and in
// its ack); we count down to the moment the oldest line leaves the window and then send what waits.
import { byId } from './screens.js';

const LINES = 10;
const WINDOW_MS = 10_000;
const UNKNOWN_MS = 5_000; // another tab of ours has used the allowance up

export function createRateLimit(socket, { onChange }) {
  let accepted = []; // times of our lines within the window
  let until = 0;
  let ticker = 0;
  let over = () => {};

  function count() {
    const now = Date.now();
    accepted = accepted.filter((at) => now - at < WINDOW_MS);
    accepted.push(now);
  }

  function start() {
    if (until) return;
    const oldest = accepted.at(-LINES);
    until = Math.max(Date.now() + 1000, oldest ? oldest + WINDOW_MS : Date.now() + UNKNOWN_MS);
    ticker = setInterval(tick, 250);
    tick();
    onChange();
  }

  function tick() {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) return stop();
    byId('limit').hidden = false;
    byId('limit-left').textContent = `in ${left} s.`;
  }

  function stop() {
    clearInterval(ticker);
    until = 0;
    byId('limit').hidden = true;
    onChange();
    over();
  }

  socket.on('rate_limit_exceeded', start);

  return {
    start,
    count,
    active: () => until !== 0,
    onOver(pump) { over = pump; },
    // The allowance belongs to a room.
    reset() {
      accepted = [];
      if (until) stop();
    },
  };
}
