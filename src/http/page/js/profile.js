// One's own profile, in `/api/v1/users/me`, and picture, in `/api/v1/upload/avatar`: shown in a dialog, changed there. The
// button in the head of the page says who is signed in, and opens this dialog or the one for signing in.
import { createSigning } from './signing.js';
import { announce } from './notice.js';
import { byId, closeOutside } from './screens.js';

export function createProfile(account) {
  const dialog = byId('profile-dialog');
  const form = byId('profile-form');
  const signing = createSigning(account);

  function fill({ displayName, username, bio, avatarUrl }) {
    byId('profile-username').textContent = username;
    byId('profile-name').value = displayName ?? '';
    byId('profile-bio').value = bio ?? '';
    picture(byId('profile-picture'), avatarUrl);
    byId('profile-drop').hidden = !avatarUrl;
    byId('profile-error').hidden = true;
  }

  // Does something with the account, and says in the dialog what went wrong.
  async function attempt(what) {
    byId('profile-error').hidden = true;
    form.inert = true;
    try {
      await what();
    } catch (error) {
      byId('profile-error').textContent = error.status ? error.message : 'No connection. Try again in a moment.';
      byId('profile-error').hidden = false;
      // The login has ended elsewhere: there is nothing to change any more.
      if (error.status === 401) dialog.close();
    } finally {
      form.inert = false;
    }
  }

  function showPicture(avatarUrl) {
    account.changed({ avatarUrl });
    picture(byId('profile-picture'), avatarUrl);
    byId('profile-drop').hidden = !avatarUrl;
  }

  byId('account').addEventListener('click', () => {
    if (!account.user()) return signing.open();
    fill(account.user());
    dialog.showModal();
    return attempt(async () => fill((await account.ask('/auth/me')).user));
  });

  byId('profile-close').addEventListener('click', () => dialog.close());
  closeOutside(dialog);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const body = { displayName: byId('profile-name').value, bio: byId('profile-bio').value };
    attempt(async () => {
      const { data } = await account.ask('/users/me', { method: 'PATCH', body });
      account.changed(data.user);
      dialog.close();
      announce('Your profile is saved.');
    });
  });

  byId('profile-file').addEventListener('change', ({ target }) => attempt(async () => {
    const [file] = target.files;
    target.value = ''; // the same file may be chosen again
    if (!file) return;
    const body = new FormData();
    body.append('avatar', file);
    showPicture((await account.ask('/upload/avatar', { method: 'POST', body })).data.avatarUrl);
  }));

  byId('profile-drop').addEventListener('click', () => attempt(async () => {
    await account.ask('/upload/avatar', { method: 'DELETE' });
    showPicture(null);
  }));

  byId('profile-out').addEventListener('click', () => attempt(async () => {
    await account.signOut();
    dialog.close();
    announce('You are signed out.');
  }));

  return {
    // Who the head of the page shows.
    show(user) {
      byId('account-label').textContent = user ? user.displayName || user.username : 'Sign in';
      picture(byId('account-picture'), user?.avatarUrl);
      if (!user && dialog.open) dialog.close();
    },
  };
}

function picture(image, address) {
  image.hidden = !address;
  if (address) image.src = address;
  else image.removeAttribute('src');
}
