// Who we are to the server: a guest id of 64 hex characters, made here once and sent in the handshake of every
// connection. The same id is the same user, also in several tabs, after a reload and on another node. It is a secret:
// whoever has it is that guest.

const KEY = 'palaver.guestId';

// What is kept between visits; nothing when storage is blocked. `?guest=new` is a visitor of this tab only, to try both
// sides in one browser.
export const storage = {
  get: (key) => kept((box) => box.getItem(key)),
  set: (key, value) => kept((box) => (value === null ? box.removeItem(key) : box.setItem(key, value))),
};

function kept(use) {
  const wanted = new URLSearchParams(location.search).get('guest');
  try {
    return use(wanted === 'new' ? window.sessionStorage : window.localStorage);
  } catch {
    return null;
  }
}

export function guestId() {
  const known = storage.get(KEY);
  if (known && /^[0-9a-f]{64}$/.test(known)) return known;
  const made = randomHex(32);
  storage.set(KEY, made);
  return made; // where storage is blocked: a guest until the page is closed
}

// Not crypto.randomUUID: that one exists only on https and localhost, and a phone on the same network has neither.
export function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
