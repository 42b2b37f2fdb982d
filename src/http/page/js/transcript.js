// The lines on the screen. A line is known by its messageId (from the server) or, until the ack, by its
// clientMessageId. All lines stand in the order of the server's timestamps, ours without one yet at the end, so both
// people read the same conversation. Text is only ever set as text, never as markup.
import { byId } from './screens.js';

const NEAR_END_PX = 80;

export function createTranscript() {
  const list = byId('messages');
  const scroll = byId('scroll');
  const newer = byId('newer');
  let byMessageId = new Map();

  // A line of ours, shown before the server has seen it.
  function draft({ content, clientMessageId }) {
    const line = build({ content, clientMessageId }, 'me');
    list.append(line.element);
    toEnd();
    return line;
  }

  function add(message, from) {
    if (byMessageId.has(message.messageId)) return false;
    const wasAtEnd = atEnd();
    const line = build(message, from);
    mark(line, from === 'me' ? 'sent' : 'received');
    place(line);
    byMessageId.set(message.messageId, line);
    if (wasAtEnd || from === 'me') toEnd();
    else newer.hidden = false;
    return true;
  }

  function accept(line, { messageId, timestamp }) {
    // It came back in the list after a return before its own ack did.
    byMessageId.get(messageId)?.element.remove();
    byMessageId.set(messageId, line);
    line.timestamp = timestamp;
    mark(line, 'sent');
    place(line);
  }

  function build({ content, clientMessageId, timestamp }, from) {
    const element = document.createElement('li');
    element.dataset.from = from;
    const bubble = element.appendChild(document.createElement('div'));
    bubble.className = 'bubble';
    bubble.append(span('unseen', from === 'me' ? 'You: ' : 'Stranger: '), span('text', content));
    const meta = bubble.appendChild(span('meta', ''));
    const line = { element, meta, content, clientMessageId, timestamp };
    element.line = line;
    return line;
  }

  function place(line) {
    const { element } = line;
    let before = list.lastElementChild === element ? element.previousElementSibling : list.lastElementChild;
    while (before && (before === element || later(before.line, line))) before = before.previousElementSibling;
    const target = before ? before.nextElementSibling : list.firstElementChild;
    if (target !== element) list.insertBefore(element, target);
  }

  function mark(line, state, why) {
    line.element.dataset.state = state;
    line.meta.replaceChildren();
    if (line.timestamp) line.meta.append(time(line.timestamp));
    if (state === 'sending' || state === 'waiting') line.meta.append(icon('i-clock', 'Sending'));
    if (state === 'sent') line.meta.append(icon('i-check', 'Sent'));
    if (state === 'failed') line.meta.append(icon('i-alert', ''), why, ...retry(line));
  }

  function retry(line) {
    if (!line.onRetry) return [];
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Send again';
    button.addEventListener('click', line.onRetry);
    return [button];
  }

  function note(words) {
    if (list.lastElementChild?.textContent === words) return;
    const element = document.createElement('li');
    element.dataset.from = 'note';
    element.textContent = words;
    list.append(element);
    if (atEnd()) toEnd();
  }

  // The conversation is over: nothing in it can be sent again.
  function seal() {
    for (const button of list.querySelectorAll('button')) button.remove();
  }

  function clear() {
    list.replaceChildren();
    byMessageId = new Map();
    newer.hidden = true;
  }

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    newer.hidden = true;
  }

  newer.addEventListener('click', toEnd);
  scroll.addEventListener('scroll', () => { if (atEnd()) newer.hidden = true; }, { passive: true });
  // The keyboard of a phone or a growing composer must not cover the last line.
  new ResizeObserver(() => { if (newer.hidden) toEnd(); }).observe(scroll);

  return { draft, add, accept, mark, note, seal, clear };
}

const later = (a, b) => a !== undefined && (a.timestamp ?? Infinity) > (b.timestamp ?? Infinity);

function span(className, text) {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
}

function time(timestamp) {
  const element = document.createElement('time');
  const at = new Date(timestamp);
  element.dateTime = at.toISOString();
  element.textContent = at.toLocaleTimeString([], { timeStyle: 'short' });
  return element;
}

function icon(id, label) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'use'));
  use.setAttribute('href', `#${id}`);
  if (label) {
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
  } else {
    svg.setAttribute('aria-hidden', 'true');
  }
  return svg;
}
