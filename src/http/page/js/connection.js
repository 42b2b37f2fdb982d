// The socket: socket.io-client with its default options, so long-polling first, then WebSocket, and reconnecting for
// ever by itself. `auth` says who we are, asked anew for every connection: the token of an account, or a guest id. Its
// `echo: false` keeps our own lines from coming back; a client whose auth has the key `guestId` gets none anyway.
// Shown here too: what to do when the server closes or refuses a connection, which the client does not retry itself.
import { byId } from './screens.js';

const WINDOW_MS = 30_000; // the server keeps our place in a conversation for this long

export function openConnection(whoWeAre, { onUp, onDown, onRefused }) {
  const socket = window.io({ auth: (tell) => whoWeAre().then(tell) });
  let lostAt = 0;
  let banned = false;
  let ticker = 0;

  socket.on('connect', () => {
    lostAt = 0;
    banned = false;
    setLink('online', 'Online');
    render();
    onUp();
  });

  socket.on('disconnect', (why) => {
    if (banned) return setLink('offline', 'Offline');
    lostAt = Date.now();
    setLink('connecting', 'Reconnecting');
    render();
    onDown();
    // The server hung up on purpose, for example before a restart: come back, but not all in the same instant.
    if (why === 'io server disconnect') setTimeout(() => socket.connect(), 500 + Math.random() * 2000);
  });

  // `active` means the client will try again by itself; otherwise the server has refused us and said why.
  socket.on('connect_error', (error) => {
    if (socket.active) {
      lostAt ||= Date.now();
      setLink('connecting', 'Connecting');
      return render();
    }
    refuse({ message: error.message, ...error.data });
  });

  socket.on('user_banned', (ban) => refuse({ banned: true, ...ban }));

  function refuse(refusal) {
    banned = true;
    lostAt = 0;
    socket.disconnect();
    setLink('offline', 'Offline');
    render();
    onRefused(refusal);
  }

  function render() {
    clearInterval(ticker);
    const banner = byId('banner');
    banner.hidden = lostAt === 0;
    if (banner.hidden) return;
    const say = () => {
      const left = Math.ceil((lostAt + WINDOW_MS - Date.now()) / 1000);
      const chatting = document.body.dataset.state === 'chatting';
      const words = chatting ? 'Connection lost. Coming back.' : 'No connection. Trying again.';
      // Set once, so that a screen reader says it once; the seconds beside it are for the eye.
      if (byId('banner-words').textContent !== words) byId('banner-words').textContent = words;
      byId('banner-left').textContent = chatting && left > 0 ? `Your place is kept for ${left} s.` : '';
    };
    say();
    ticker = setInterval(say, 1000);
  }

  function retry() {
    setLink('connecting', 'Connecting');
    socket.connect();
  }

  return { socket, retry, restart: () => { socket.disconnect(); retry(); } };
}

function setLink(link, words) {
  document.body.dataset.link = link;
  byId('status').textContent = words;
}
