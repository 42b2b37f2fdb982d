// Sending so that nothing is lost, doubled or reordered. Every line gets a `clientMessageId`, and we ask for an ack:
// `{messageId, timestamp}`, or `{error, code}`. No answer (a timeout, a lost connection) means we do not know, so the
// same line goes out again under the same id; the server makes one message of it. One line is under way at a time,
// which keeps the order also when one has to be repeated.
import { randomHex } from './identity.js';

const ACK_MS = 5_000;
const TRIES = 4;

export function createOutbox(socket, transcript, rateLimit, { onNoRoom }) {
  let queue = []; // lines without an answer, oldest first
  let underWay = null;
  let held = false;

  function say(content) {
    const line = transcript.draft({ content, clientMessageId: randomHex(8) });
    line.onRetry = () => enqueue(line);
    enqueue(line);
  }

  function enqueue(line) {
    line.tries = 0;
    queue.push(line);
    transcript.mark(line, 'sending');
    pump();
  }

  function pump() {
    if (underWay || held || !queue.length || !socket.connected || rateLimit.active()) return;
    const line = underWay = queue[0];
    line.tries += 1;
    const { content, clientMessageId } = line;
    socket.timeout(ACK_MS).emit('send_text_message', { content, clientMessageId }, (failure, reply) => {
      if (underWay === line) underWay = null;
      if (queue[0] !== line) return; // the conversation ended meanwhile
      if (failure) unanswered(line);
      else if (reply.error) refused(line, reply);
      else accepted(line, reply);
      pump();
    });
  }

  function accepted(line, { messageId, timestamp }) {
    queue.shift();
    rateLimit.count();
    transcript.accept(line, { messageId, timestamp });
  }

  // Offline, the line waits for `release` after the return.
  function unanswered(line) {
    if (socket.connected && line.tries >= TRIES) give(line, 'No answer');
    else transcript.mark(line, 'waiting');
  }

  function refused(line, { error, code = '' }) {
    if (error === 'Rate limit exceeded' || /rate/i.test(code)) {
      transcript.mark(line, 'waiting');
      return rateLimit.start();
    }
    line.onRetry = null; // the same words would be refused again
    give(line, error);
    if (error === 'No active text chat room') onNoRoom();
  }

  function give(line, why) {
    queue = queue.filter((other) => other !== line);
    transcript.mark(line, 'failed', why);
  }

  rateLimit.onOver(pump);

  return {
    say,
    hold() { held = true; },
    release() { held = false; pump(); },
    // The conversation is over; what was not acknowledged will not arrive.
    abandon() {
      for (const line of queue) transcript.mark(line, 'failed', 'Not delivered');
      queue = [];
      underWay = null;
      transcript.seal();
    },
  };
}
