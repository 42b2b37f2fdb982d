// What the server says in codes, in words for a visitor: the reasons of `text_room_ended`, and the refusals of a
// connection (`user_banned`, or `connect_error` with the server's message).

const ENDED = {
  user_left: 'You left the conversation.',
  partner_left: 'Stranger has left.',
  partner_disconnected: 'Stranger lost the connection and did not come back.',
  timeout: 'Nobody wrote for half an hour, so the conversation was closed.',
  reported: 'The conversation was closed after a report.',
  video_upgrade: 'The conversation went on with video elsewhere.',
  gone: 'The conversation ended while you were away.',
};

export function endedInWords(reason, reportWasOurs) {
  if (reason === 'reported' && reportWasOurs) return 'You reported this conversation. It is closed.';
  return ENDED[reason] ?? 'The conversation is over.';
}

export function refusedInWords({ banned, banType, reason, expiresAt, message }) {
  if (!banned && !banType) return { title: 'No entry right now', text: message || 'The server refused the connection.', final: false };
  const until = expiresAt ? ` until ${new Date(expiresAt).toLocaleString([], { dateStyle: 'long', timeStyle: 'short' })}` : '';
  const length = banType === 'permanent' ? ' permanently' : until;
  const because = reason ? ` Reason given: ${reason}.` : '';
  return { title: 'You are not allowed in', text: `You have been banned${length}.${because}`, final: banType === 'permanent' };
}
