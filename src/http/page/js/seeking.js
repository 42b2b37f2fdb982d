// Finding a stranger. `join_text_queue` is answered by `text_queue_joined {position, estimatedWaitTime}`; asking again
// keeps the place and refreshes both numbers. `text_match_found {roomId, partnerId}` is pushed when the pair is made,
// to every tab of both users. `leave_text_queue` is answered by `text_queue_left`, but only to somebody still waiting.
import { byId } from './screens.js';

const REFRESH_MS = 15_000;
const ALONE_AFTER_MS = 5_000;
const CANCEL_MS = 2_000;

export function createSeeking(socket, { onMatched, othersAround }) {
  let since = 0;
  let ticker = 0;
  let refresher = 0;
  let cancelling = 0;
  let place = null; // what the server last said

  socket.on('text_queue_joined', (joined) => {
    if (!since) return;
    place = joined;
    render();
  });

  socket.on('text_queue_left', () => stopCancelling());

  socket.on('text_match_found', (match) => {
    forget();
    // Somebody was found in the instant we gave up: they should not sit waiting for us.
    if (cancelling) {
      stopCancelling();
      return socket.emit('leave_text_room');
    }
    onMatched(match);
  });

  function prepare() {
    stopCancelling();
    since ||= Date.now();
    place = null;
    clearInterval(ticker);
    ticker = setInterval(render, 1000);
    render();
  }

  function join() {
    prepare();
    ask();
    clearInterval(refresher);
    refresher = setInterval(ask, REFRESH_MS);
  }

  function ask() {
    if (socket.connected) socket.emit('join_text_queue');
  }

  function render() {
    const waited = Math.round((Date.now() - since) / 1000);
    byId('elapsed').textContent = waited < 3 ? '' : `${clockTime(waited)} so far`;
    byId('alone').hidden = othersAround() || waited * 1000 < ALONE_AFTER_MS;
    const words = placeInWords(place, waited);
    if (byId('position').textContent !== words) byId('position').textContent = words;
  }

  function forget() {
    clearInterval(ticker);
    clearInterval(refresher);
    since = 0;
  }

  function cancel() {
    forget();
    if (!socket.connected) return;
    cancelling = setTimeout(stopCancelling, CANCEL_MS);
    socket.emit('leave_text_queue');
  }

  function stopCancelling() {
    clearTimeout(cancelling);
    cancelling = 0;
  }

  return { prepare, join, cancel, forget };
}

function placeInWords(place, waited) {
  if (!place) return 'One moment';
  const { position, estimatedWaitTime } = place;
  const words = position === 1 ? 'You are first in line' : `You are number ${position} in line`;
  // An estimate already proven wrong is no news.
  return waited > estimatedWaitTime + 2 ? words : `${words}, about ${inWords(estimatedWaitTime)}`;
}

function inWords(seconds) {
  if (seconds < 60) return seconds === 1 ? 'a second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

function clockTime(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
