// One conversation, from `text_match_found` to `text_room_ended {reason}`. Shown here: receiving lines
// (`text_message_received`, told apart by messageId because a line may be delivered twice), coming back after a lost
// connection (the server re-attaches us by itself within 30 s and replays what we missed; `attempt_text_reconnect`
// says so explicitly and returns the last 30 lines), and leaving (`leave_text_room`). Sending is in outbox.js.
import { createOutbox } from './outbox.js';
import { createTranscript } from './transcript.js';
import { byId } from './screens.js';

const KEY = 'palaver.room';
const ANSWER_MS = 5_000;

export function createConversation(socket, rateLimit, { onOpened, onEnded, onPartnerLine }) {
  const transcript = createTranscript();
  const outbox = createOutbox(socket, transcript, rateLimit, { onNoRoom: resume });
  let room = null; // {roomId, partnerId} while it lives
  let waiting = 0; // for the answer to leaving or resuming
  let leaving = false; // until the server has confirmed it

  socket.on('text_message_received', (message) => {
    if (!room || message.roomId !== room.roomId) return;
    const isNew = receive(message);
    if (isNew && message.senderId === room.partnerId) onPartnerLine();
  });

  socket.on('text_room_ended', ({ reason }) => {
    leaving = false;
    end(reason);
  });

  socket.on('text_partner_reconnected', () => {
    if (room) transcript.note('Stranger is back.');
  });

  socket.on('text_reconnected', ({ roomId, partnerId, messages }) => {
    clearTimeout(waiting);
    if (leaving) return; // answered before we asked to go
    if (room?.roomId !== roomId) open({ roomId, partnerId });
    messages.forEach(receive);
    outbox.release();
  });

  socket.on('text_reconnect_failed', () => {
    clearTimeout(waiting);
    leaving = false;
    if (room) end('gone');
  });

  // True when the line was not known yet. Lines of ours come too: from another tab, or in the list after a return.
  function receive(message) {
    return transcript.add(message, message.senderId === room.partnerId ? 'partner' : 'me');
  }

  function open(match) {
    if (room?.roomId === match.roomId) return;
    close();
    transcript.clear();
    transcript.note('You are talking to a stranger. Say hello.');
    leaving = false;
    remember(match);
    outbox.release();
    onOpened();
  }

  // Nothing is sent until the server has answered where we are; unanswered, we take the silence for "still here".
  function resume() {
    outbox.hold();
    socket.emit('attempt_text_reconnect');
    clearTimeout(waiting);
    waiting = setTimeout(outbox.release, ANSWER_MS);
  }

  function leave() {
    leaving = true;
    if (!socket.connected) return end('user_left');
    socket.emit('leave_text_room');
    clearTimeout(waiting);
    waiting = setTimeout(() => end('user_left'), 1_000); // a room already gone is left in silence
  }

  // Connected again. Whoever left while the line was down has not left for the server yet.
  function comeBack() {
    if (leaving) socket.emit('leave_text_room');
    else if (room) resume();
  }

  function end(reason) {
    close();
    onEnded(reason);
  }

  function close() {
    clearTimeout(waiting);
    outbox.abandon();
    remember(null);
  }

  function remember(next) {
    room = next;
    byId('who-state').textContent = room ? 'In conversation' : 'Conversation over';
    try {
      if (room) sessionStorage.setItem(KEY, JSON.stringify(room));
      else sessionStorage.removeItem(KEY);
    } catch {
      // Storage is blocked: only a reload of the page loses the conversation.
    }
  }

  // The room this tab was in before it was reloaded.
  function recall() {
    try {
      remember(JSON.parse(sessionStorage.getItem(KEY)));
    } catch {
      remember(null);
    }
    return room !== null;
  }

  return { open, leave, comeBack, close, recall, room: () => room, say: outbox.say };
}
