// Which screen is visible, and where the keyboard focus goes with it. No part of the API.

export const byId = (id) => document.getElementById(id);
export const state = () => document.body.dataset.state;

export function show(screen) {
  const before = state();
  document.body.dataset.state = screen;
  for (const section of document.querySelectorAll('[data-screen]')) {
    section.hidden = !section.dataset.screen.split(' ').includes(screen);
  }
  byId('composer-form').hidden = screen !== 'chatting';
  byId('ended').hidden = screen !== 'ended';
  for (const id of ['report', 'leave', 'next']) byId(id).hidden = screen !== 'chatting';
  if (before !== screen) focusFor(screen)?.focus({ preventScroll: true });
}

// A click beside the dialog lands on the dialog element itself.
export function closeOutside(dialog) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}

function focusFor(screen) {
  switch (screen) {
    case 'home': return byId('start');
    case 'searching': return byId('cancel');
    // On a touch screen the field would pull up the keyboard over the first line.
    case 'chatting': return byId(matchMedia('(pointer: coarse)').matches ? 'scroll' : 'composer');
    case 'ended': return byId('again');
    case 'blocked': return byId('blocked-title');
    default: return null;
  }
}
