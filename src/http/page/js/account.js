// Being somebody: `/api/v1/auth/*`. The refresh token lives in a cookie that no script can read; the access token lives
// here until the page is closed, and is exchanged shortly before its end. Signed in or not, nobody in a chat learns it.
import { storage } from './identity.js';

const KEPT = 'palaver.signedIn'; // that there was a login: whether it still is good, the server knows
const EARLY_MS = 30_000;

export function createAccount({ onChange }) {
  let token = null;
  let user = null;
  let exchange = null; // of several who need a token at once, one asks

  async function ask(path, { method = 'GET', body, bearer } = {}) {
    const headers = {};
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (body && !(body instanceof FormData)) {
      headers['Content-Type'] = 'application/json';
      body = JSON.stringify(body);
    }
    const reply = await fetch(`/api/v1${path}`, { method, headers, body });
    const told = await reply.json();
    if (reply.ok) return told;
    throw Object.assign(new Error(told.message), { status: reply.status, code: told.code, field: told.field });
  }

  function become(somebody, access) {
    const before = user?.id;
    user = somebody;
    token = access;
    storage.set(KEPT, user ? 'yes' : null);
    onChange(user, before !== user?.id);
  }

  function endsSoon() {
    const claims = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(claims)).exp * 1000 - Date.now() < EARLY_MS;
  }

  async function renew() {
    try {
      token = (await ask('/auth/refresh', { method: 'POST' })).data.accessToken;
      if (!user) become((await ask('/auth/me', { bearer: token })).user, token);
    } catch (error) {
      // Without an answer nothing is known; with this one we are nobody.
      if (error.status === 400 || error.status === 401 || error.status === 403) become(null, null);
    }
  }

  // A token that is good for a while; null for guests, and while the server cannot be asked.
  async function access() {
    if (!storage.get(KEPT)) return null;
    if (token && !endsSoon()) return token;
    exchange ??= renew().finally(() => { exchange = null; });
    await exchange;
    return token;
  }

  async function enter(path, form) {
    const { user: somebody, data } = await ask(path, { method: 'POST', body: form });
    become(somebody, data.accessToken);
  }

  // Where one came from, for the numbers: the page before, and what the link said. The page sends no `Referer`.
  function cameFrom() {
    const link = new URLSearchParams(location.search);
    const parts = ['source', 'medium', 'campaign', 'term', 'content'];
    return {
      referrer: document.referrer || null,
      utm: Object.fromEntries(parts.map((part) => [part, link.get(`utm_${part}`)])),
    };
  }

  return {
    access,
    user: () => user,
    signIn: ({ email, password }) => enter('/auth/login', { email, password }),
    signUp: ({ email, username, password }) => enter('/auth/register', {
      email, username, password, ...cameFrom(),
    }),
    // The server forgets the login and clears the cookie; when it does not answer, we are still signed in, and told so.
    async signOut() {
      const bearer = await access();
      if (bearer) await ask('/auth/logout', { method: 'POST', bearer });
      become(null, null);
    },
    // The login has ended elsewhere.
    forget: () => become(null, null),
    // What only somebody may ask for.
    async ask(path, wanted) {
      return ask(path, { ...wanted, bearer: await access() });
    },
    changed: (somebody) => become({ ...user, ...somebody }, token),
  };
}
