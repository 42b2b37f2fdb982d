// The dialog in which one signs up and in. Errors are said there, in the server's words.
import { announce } from './notice.js';
import { byId, closeOutside } from './screens.js';

export function createSigning(account) {
  const dialog = byId('account-dialog');
  const form = byId('account-form');

  function turn(isNew) {
    form.dataset.mode = isNew ? 'new' : 'known';
    byId('account-title').textContent = isNew ? 'Sign up' : 'Sign in';
    byId('account-send').textContent = isNew ? 'Sign up' : 'Sign in';
    byId('account-other').textContent = isNew ? 'I have an account' : 'I have no account yet';
    byId('account-name-row').hidden = !isNew;
    byId('account-username').disabled = !isNew;
    byId('account-password').autocomplete = isNew ? 'new-password' : 'current-password';
    byId('account-password').minLength = isNew ? 8 : 1;
    byId('account-error').hidden = true;
  }

  byId('account-other').addEventListener('click', () => turn(form.dataset.mode !== 'new'));
  byId('account-close').addEventListener('click', () => dialog.close());
  closeOutside(dialog);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    const isNew = form.dataset.mode === 'new';
    byId('account-send').disabled = true;
    try {
      await (isNew ? account.signUp(fields) : account.signIn(fields));
      dialog.close();
      announce(isNew ? 'Welcome. You are signed in.' : 'You are signed in.');
    } catch (error) {
      byId('account-error').textContent = error.status ? error.message : 'No connection. Try again in a moment.';
      byId('account-error').hidden = false;
      form.elements[error.field]?.focus();
    } finally {
      byId('account-send').disabled = false;
    }
  });

  return {
    open() {
      form.reset();
      turn(false);
      dialog.showModal();
    },
  };
}
