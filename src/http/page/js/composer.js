// The field a line is written in: Enter sends, Shift+Enter breaks the line. A line has at most 1000 characters,
// counted before trimming as the server does; the counter appears when that comes near.
import { byId } from './screens.js';

const LIMIT = 1000;
const SHOW_FROM = 850;

export function createComposer({ rateLimit, onSend, onType }) {
  const field = byId('composer');

  function sendable() {
    return field.value.trim() !== '' && field.value.length <= LIMIT && !rateLimit.active();
  }

  function refresh() {
    const left = LIMIT - field.value.length;
    const counter = byId('counter');
    counter.textContent = field.value.length >= SHOW_FROM ? String(left) : '';
    counter.classList.toggle('over', left < 0);
    field.setAttribute('aria-invalid', String(left < 0));
    byId('send').disabled = !sendable();
    // As tall as its text; the stylesheet sets the bounds.
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  }

  function clear() {
    field.value = '';
    refresh();
  }

  field.addEventListener('input', () => {
    refresh();
    onType(field.value);
  });

  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId('composer-form').requestSubmit();
  });

  byId('composer-form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (!sendable()) return;
    const content = field.value.trim();
    clear();
    field.focus();
    onSend(content);
  });

  return { refresh, clear };
}
