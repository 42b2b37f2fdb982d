// Who is around. `mode-presence-update {mode}` tells the server what we are doing ('text', or null for nothing); it
// answers everybody with `mode-user-counts {text, audio, video}`. Leaving 'text' also takes a searcher off the queue.
// `GET /api/status/summary` gives the total of people connected.
import { byId } from './screens.js';

const REFRESH_MS = 30_000;

export function createPresence(socket) {
  let mode = null;
  let inText = 0;
  let connected = 0;

  socket.on('mode-user-counts', ({ text }) => {
    inText = text;
    render();
  });

  async function refresh() {
    if (document.hidden) return;
    try {
      const reply = await fetch('/api/status/summary');
      if (!reply.ok) return;
      connected = (await reply.json()).summary?.connectedUsers ?? 0;
      render();
    } catch {
      // The counts are a courtesy; the connection has its own banner.
    }
  }

  function render() {
    const online = Math.max(connected, inText);
    const parts = [];
    if (online > 0) parts.push(`${online.toLocaleString()} online`);
    if (inText > 0) parts.push(`${inText.toLocaleString()} in text chat`);
    byId('counts').textContent = parts.join(', ');
  }

  socket.on('connect', refresh);
  setInterval(refresh, REFRESH_MS);

  return {
    enter(next) {
      if (next === mode) return;
      mode = next;
      if (socket.connected) socket.emit('mode-presence-update', { mode });
    },
    // After a reconnect the server has forgotten; "nothing" is what it assumes anyway.
    repeat() {
      if (mode) socket.emit('mode-presence-update', { mode });
    },
    othersInText: () => inText > 1,
  };
}
