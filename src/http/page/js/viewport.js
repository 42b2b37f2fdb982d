// Keeps the composer above the keyboard of a phone: browsers that lay the keyboard over the page tell the height that
// is left only through visualViewport. No part of the API.

export function fitKeyboard() {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => {
    if (viewport.scale !== 1) return; // pinched, not typed
    document.documentElement.style.setProperty('--height', `${viewport.height}px`);
    if (viewport.offsetTop > 0) window.scrollTo(0, 0);
  };
  viewport.addEventListener('resize', fit);
  viewport.addEventListener('scroll', fit);
  fit();
}
