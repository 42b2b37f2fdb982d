// Two strangers on two processes of the peer, everything they can do once: `npm run check -- URL URL`.
import assert from "node:assert/strict";
import { once } from "node:events";
import { io } from "socket.io-client";

const urls = process.argv.slice(2);
const sockets = [0, 1].map((i) => io(urls[i % urls.length], { transports: ["websocket"], reconnection: false, auth: { echo: i === 0 } }));
const [a, b] = sockets;
await Promise.all(sockets.map((socket) => once(socket, "connect")));
const next = async (socket, name) => (await once(socket, name, { signal: AbortSignal.timeout(2000) }))[0];

const meet = async () => {
  const matched = Promise.all(sockets.map((socket) => next(socket, "text_match_found")));
  const queued = next(a, "text_queue_joined");
  a.emit("join_text_queue", {});
  assert.equal((await queued).position, 1);
  b.emit("join_text_queue", {});
  return matched;
};

const [ofA, ofB] = await meet();
assert.equal(ofA.roomId, ofB.roomId);
assert.deepEqual([ofA.partnerId, ofB.partnerId], [b.id, a.id]);

const say = (socket, content) => socket.timeout(2000).emitWithAck("send_text_message", { content });
const heard = Promise.all(sockets.map((socket) => next(socket, "text_message_received")));
const receipt = await say(a, "hello");
for (const line of await heard) {
  assert.deepEqual([line.messageId, line.content, line.senderId], [receipt.messageId, "hello", a.id]);
}
const echoes = [];
b.on("text_message_received", (line) => echoes.push(line));
const silent = next(a, "text_message_received");
await say(b, "from b");
assert.equal((await silent).content, "from b");
assert.equal(echoes.length, 0, "b asked for no echo");

assert.equal((await say(a, "")).code, "INVALID_MESSAGE");
assert.equal((await say(a, "x".repeat(1001))).code, "MESSAGE_TOO_LONG");
const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => say(a, `line ${i}`)));
assert.deepEqual(answers.filter((answer) => answer.code).map((answer) => answer.code), ["SLOW_DOWN"]);

const typing = next(b, "text_partner_typing");
a.emit("text_typing_start", {});
assert.equal((await typing).userId, a.id);

const endings = Promise.all(sockets.map((socket) => next(socket, "text_room_ended")));
a.emit("leave_text_room", {});
assert.deepEqual((await endings).map((ending) => ending.reason), ["user_left", "partner_left"]);
assert.equal((await say(a, "alone")).code, "NO_ROOM");

await meet();
const left = next(a, "text_room_ended");
b.disconnect();
assert.equal((await left).reason, "partner_disconnected");
a.disconnect();
console.log("the peer does what it says");
process.exit(0);
