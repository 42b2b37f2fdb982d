// Text chat of strangers on Socket.IO with the Redis Streams adapter: one process of as many as one likes.
//
//   PORT=3001 REDIS_URL=redis://127.0.0.1:6379 node server.js
//
// What it does and what it leaves out stands in README.md.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { scripts } from "./scripts.js";

const env = (name, otherwise) => process.env[name] ?? otherwise;
const rules = {
  limit: Number(env("RATE_LIMIT", 10)),
  windowMs: Number(env("RATE_WINDOW_MS", 10_000)),
  logKeeps: 200,
  maxChars: 1000,
};
const QUEUE = "peer:queue:text";
const ROOM = "text_room_";
const logOf = (room) => `peer:log:${room}`;

const redis = createClient({ url: env("REDIS_URL", "redis://127.0.0.1:6379"), scripts });
redis.on("error", (error) => console.error("redis:", error.message));
await redis.connect();

const http = createServer((request, response) => {
  response.statusCode = request.url === "/ready" ? 200 : 404;
  response.end();
});
const io = new Server(http, {
  // All payloads are plain JSON; more entries per read and a longer stream, so that a busy moment loses nothing.
  adapter: createAdapter(redis, { onlyPlaintext: true, readCount: 1000, maxLen: 100_000 }),
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxHttpBufferSize: 64 * 1024,
});
// Socket.IO keeps the first HTTP request of every connection for middleware that this server does not have.
io.engine.on("connection", (connection) => {
  connection.request = null;
});

// Who is in which room is what Socket.IO knows: sockets are joined to rooms across processes by the adapter.
const roomOf = (socket) => {
  for (const room of socket.rooms) if (room.startsWith(ROOM)) return room;
};

const refuse = (socket, ack, code, text, more) => {
  if (ack) ack({ error: text, code, ...more });
  else socket.emit("text_chat_error", { message: text, code });
};

async function seek(socket) {
  if (roomOf(socket)) return;
  const found = await redis.seek({ queue: QUEUE, seeker: socket.id, now: Date.now() });
  if (typeof found === "number") {
    socket.emit("text_queue_joined", { position: found, estimatedWaitTime: found });
    return;
  }
  const roomId = ROOM + randomUUID();
  io.in([socket.id, found]).socketsJoin(roomId);
  io.to(socket.id).emit("text_match_found", { roomId, partnerId: found });
  io.to(found).emit("text_match_found", { roomId, partnerId: socket.id });
}

async function say(socket, payload, ack) {
  const text = payload?.content;
  if (typeof text !== "string" || text.trim() === "") return refuse(socket, ack, "INVALID_MESSAGE", "Nothing to send");
  if (text.length > rules.maxChars) return refuse(socket, ack, "MESSAGE_TOO_LONG", "Message too long");
  const roomId = roomOf(socket);
  if (!roomId) return refuse(socket, ack, "NO_ROOM", "You are in no room");
  const [user, now, messageId] = [socket.id, Date.now(), `msg_${randomUUID()}`];
  const window = `peer:window:${user}`;
  const log = logOf(roomId);
  const wait = await redis.say({ window, log, now, rules, user, message: messageId, text });
  if (wait > 0) {
    socket.emit("rate_limit_exceeded", { message: "Slow down", remaining: 0 });
    return ack?.({ error: "Slow down", code: "SLOW_DOWN", retryAfterMs: wait });
  }
  const to = socket.data.echo ? io.to(roomId) : socket.to(roomId);
  to.emit("text_message_received", {
    messageId,
    roomId,
    senderId: user,
    content: text,
    timestamp: now,
    delivered: true,
  });
  ack?.({ messageId, timestamp: now });
}

function typing(socket, name, isTyping) {
  const roomId = roomOf(socket);
  if (roomId) socket.to(roomId).emit(name, { roomId, userId: socket.id, isTyping, timestamp: Date.now() });
}

async function leave(socket, toPartner) {
  const roomId = roomOf(socket);
  if (!roomId) return;
  socket.to(roomId).emit("text_room_ended", { reason: toPartner });
  socket.emit("text_room_ended", { reason: "user_left" });
  io.in(roomId).socketsLeave(roomId);
  await redis.del(logOf(roomId));
}

// A handler that fails (Redis away) answers, and does not end the process.
const guarded = (socket, handler) => (payload, ack) => {
  if (typeof payload === "function") [payload, ack] = [undefined, payload];
  handler(payload, ack).catch((error) => {
    console.error(error.message);
    refuse(socket, ack, "UNAVAILABLE", "Temporarily unavailable");
  });
};

io.on("connection", (socket) => {
  const { echo, guestId } = socket.handshake.auth;
  socket.data.echo = echo ?? guestId === undefined;
  const on = (name, handler) => socket.on(name, guarded(socket, handler));
  on("join_text_queue", () => seek(socket));
  on("leave_text_queue", async () => {
    await redis.zRem(QUEUE, socket.id);
    socket.emit("text_queue_left");
  });
  on("send_text_message", (payload, ack) => say(socket, payload, ack));
  on("text_typing_start", async () => typing(socket, "text_partner_typing", true));
  on("text_typing_stop", async () => typing(socket, "text_partner_stopped_typing", false));
  on("leave_text_room", () => leave(socket, "partner_left"));
  socket.on("disconnecting", () => {
    const gone = [leave(socket, "partner_disconnected"), redis.zRem(QUEUE, socket.id)];
    Promise.all(gone).catch((error) => console.error(error.message));
  });
});

http.listen({ port: Number(env("PORT", 3001)), host: env("HOST", "127.0.0.1"), backlog: 4096 }, () => {
  console.log(`ready on ${http.address().port}`);
});
