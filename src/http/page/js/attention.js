// News in the title of a tab that nobody is looking at. No part of the API.

const TITLE = document.title;

export function callAttention(words) {
  if (document.hidden) document.title = `${words} - ${TITLE}`;
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) document.title = TITLE;
});
