// Who we are to the server: a guest id of 64 hex characters, made here once and sent in the handshake of every
// connection. The same id is the same user, also in several tabs, after a reload and on another node. It is a secret:
// whoever has it is that guest.

const KEY = 'palaver.guestId';

export function guestId() {
  const wanted = new URLSearchParams(location.search).get('guest');
  // `?guest=new` is a visitor of this tab only, to try both sides in one browser.
  const storage = wanted === 'new' ? 'sessionStorage' : 'localStorage';
  try {
    const known = window[storage].getItem(KEY);
    if (known && /^[0-9a-f]{64}$/.test(known)) return known;
    const made = randomHex(32);
    window[storage].setItem(KEY, made);
    return made;
  } catch {
    return randomHex(32); // storage is blocked: a guest until the page is closed
  }
}

// Not crypto.randomUUID: that one exists only on https and localhost, and a phone on the same network has neither.
export function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
