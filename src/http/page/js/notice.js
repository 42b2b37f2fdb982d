// Short news at the edge of the screen, read out by screen readers and gone by itself.
import { byId } from './screens.js';

const SHOWN_MS = 6_000;
let timer = 0;

export function announce(words) {
  const notice = byId('notice');
  notice.textContent = words;
  notice.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { notice.hidden = true; }, SHOWN_MS);
}
