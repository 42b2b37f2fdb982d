// Start here. The flow of a visit - home, searching, chatting, ended - and nothing else: each feature is a file of
// its own, told what to do by this one and reporting back through the callbacks given to it.
import { guestId } from './identity.js';
import { createAccount } from './account.js';
import { createProfile } from './profile.js';
import { openConnection } from './connection.js';
import { createPresence } from './presence.js';
import { createSeeking } from './seeking.js';
import { createConversation } from './conversation.js';
import { createTyping } from './typing.js';
import { createComposer } from './composer.js';
import { createReport } from './report.js';
import { createRateLimit } from './ratelimit.js';
import { endedInWords, refusedInWords } from './words.js';
import { announce } from './notice.js';
import { callAttention } from './attention.js';
import { fitKeyboard } from './viewport.js';
import { show, state, byId } from './screens.js';

fitKeyboard();

const account = createAccount({ onChange: onWho });
const profile = createProfile(account);
const connection = openConnection(whoWeAre, { onUp, onDown, onRefused });
const { socket } = connection;
const presence = createPresence(socket);
const seeking = createSeeking(socket, { onMatched, othersAround: presence.othersInText });
const rateLimit = createRateLimit(socket, { onChange: () => composer.refresh() });
const conversation = createConversation(socket, rateLimit, { onOpened, onEnded, onPartnerLine });
const typing = createTyping(socket, conversation);
const composer = createComposer({ rateLimit, onSend: say, onType: typing.keystroke });
const report = createReport(socket, conversation);

let searchAfterLeaving = false;

function go(screen) {
  show(screen);
  presence.enter(screen === 'searching' || screen === 'chatting' ? 'text' : null);
  if (screen !== 'chatting') {
    report.close();
    typing.clear();
  }
}

// --- who we are -------------------------------------------------------------------------------------------------

async function whoWeAre() {
  const token = await account.access();
  return token ? { token, echo: false } : { guestId: guestId() };
}

// Somebody else needs another connection. While the page starts there is none yet, and it will ask who we are.
function onWho(user, isSomebodyElse) {
  profile.show(user);
  if (isSomebodyElse && connection.socket.connected) connection.restart();
}

// --- the connection ---------------------------------------------------------------------------------------------

function onUp() {
  if (state() === 'blocked') go('home');
  presence.repeat();
  conversation.comeBack();
  if (state() === 'searching' && !searchAfterLeaving) seeking.join();
}

function onDown() {
  typing.clear();
}

function onRefused(refusal) {
  // The login has ended elsewhere, or its token was good no more when it came: as whoever we are now, we may come in.
  if (account.user() && /^(TOKEN|SESSION|USER_NOT)_/.test(refusal.code)) {
    account.forget();
    return connection.retry();
  }
  seeking.forget();
  conversation.close();
  const { title, text, final } = refusedInWords(refusal);
  byId('blocked-title').textContent = title;
  byId('blocked-text').textContent = text;
  byId('retry').hidden = final;
  go('blocked');
}

// --- searching --------------------------------------------------------------------------------------------------

function search() {
  searchAfterLeaving = false;
  conversation.close();
  go('searching');
  seeking.join();
}

function cancel() {
  searchAfterLeaving = false;
  seeking.cancel();
  go('home');
}

function onMatched(match) {
  conversation.open(match);
}

// Also called in a tab that did not ask: all tabs of a guest are one user and share the conversation.
function onOpened() {
  searchAfterLeaving = false;
  seeking.forget();
  composer.clear();
  rateLimit.reset();
  go('chatting');
  callAttention('Someone is here');
}

// --- chatting ---------------------------------------------------------------------------------------------------

function say(content) {
  typing.stop();
  conversation.say(content);
}

function onPartnerLine() {
  typing.clear();
  callAttention('New message');
}

function next() {
  searchAfterLeaving = true;
  go('searching');
  seeking.prepare();
  conversation.leave();
}

function onEnded(reason) {
  if (searchAfterLeaving) return search();
  if (state() !== 'chatting') return;
  byId('reason').textContent = endedInWords(reason, report.wasMine());
  go('ended');
  callAttention('Conversation ended');
}

// Escape asks once more before it ends a conversation; a click on the button means what it says.
let escapeArmed = 0;
function onEscape() {
  if (document.querySelector('dialog[open]')) return;
  if (state() === 'searching') return cancel();
  if (state() !== 'chatting') return;
  if (escapeArmed) return disarmEscape(next);
  byId('next-label').textContent = 'Esc again';
  escapeArmed = setTimeout(disarmEscape, 3000);
}
function disarmEscape(then) {
  clearTimeout(escapeArmed);
  escapeArmed = 0;
  byId('next-label').textContent = 'Next';
  then?.();
}

byId('start').addEventListener('click', search);
byId('again').addEventListener('click', search);
byId('cancel').addEventListener('click', cancel);
byId('home').addEventListener('click', () => { conversation.close(); go('home'); });
byId('next').addEventListener('click', () => disarmEscape(next));
byId('leave').addEventListener('click', () => conversation.leave());
byId('retry').addEventListener('click', connection.retry);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.isComposing) onEscape();
});

// The login was ended: here in another tab, on another device, or by a new password. The server hangs up by itself.
for (const ending of ['session_revoked', 'connection_replaced']) {
  socket.on(ending, () => {
    if (!account.user()) return;
    account.forget();
    announce('You were signed out.');
  });
}

// Errors of the text chat that belong to no line: `{message}`, already in words.
socket.on('text_chat_error', ({ message }) => announce(message));

// A page reloaded in the middle of a conversation is back in it if it returns within 30 seconds.
if (conversation.recall()) go('chatting');
