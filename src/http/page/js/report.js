// Reporting the partner: `report_text_chat {reportedUserId, violationType, description}` with one of four types. The
// room ends for both with `text_room_ended {reason: 'reported'}`; whoever reported also gets `report_submitted`.
import { announce } from './notice.js';
import { byId, closeOutside } from './screens.js';

export function createReport(socket, conversation) {
  const dialog = byId('report-dialog');
  const form = byId('report-form');
  let reportedRoom = null;

  byId('report').addEventListener('click', () => {
    form.reset();
    dialog.showModal();
  });

  byId('report-close').addEventListener('click', () => dialog.close());

  closeOutside(dialog);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const room = conversation.room();
    if (!room) return dialog.close();
    if (!socket.connected) return announce('No connection. Send the report again in a moment.');
    const { violationType, description } = Object.fromEntries(new FormData(form));
    reportedRoom = room.roomId;
    socket.emit('report_text_chat', {
      reportedUserId: room.partnerId,
      violationType,
      description: description.trim(),
    });
    dialog.close();
  });

  socket.on('report_submitted', () => announce('Thank you. Your report is with the moderators.'));
  socket.on('text_match_found', ({ roomId }) => { if (roomId !== reportedRoom) reportedRoom = null; });

  return {
    close: () => dialog.close(),
    wasMine: () => reportedRoom !== null,
  };
}
