// "Stranger is typing". We send `text_typing_start` with the first key and again every 2 s while keys follow (the
// server forgets after 3 s), and `text_typing_stop` after 2 s without one or when the line goes out. The other side
// hears `text_partner_typing` and `text_partner_stopped_typing`.
import { byId } from './screens.js';

const REPEAT_MS = 2_000;
const IDLE_MS = 2_000;
const FADE_MS = 6_000; // in case the partner's stop never comes

export function createTyping(socket, conversation) {
  let saidAt = 0;
  let idle = 0;
  let fade = 0;

  function keystroke(text) {
    if (!socket.connected || !conversation.room()) return;
    if (text.trim() === '') return stop();
    if (Date.now() - saidAt >= REPEAT_MS) {
      saidAt = Date.now();
      socket.emit('text_typing_start', {});
    }
    clearTimeout(idle);
    idle = setTimeout(stop, IDLE_MS);
  }

  function stop() {
    clearTimeout(idle);
    if (saidAt && socket.connected) socket.emit('text_typing_stop', {});
    saidAt = 0;
  }

  function render(visible) {
    const scroll = byId('scroll');
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    byId('typing').hidden = !visible;
    if (visible && atEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  function clear() {
    clearTimeout(fade);
    render(false);
  }

  socket.on('text_partner_typing', ({ roomId }) => {
    if (roomId !== conversation.room()?.roomId) return;
    clearTimeout(fade);
    fade = setTimeout(clear, FADE_MS);
    render(true);
  });

  socket.on('text_partner_stopped_typing', clear);

  return { keystroke, stop, clear };
}
