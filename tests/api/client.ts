// What a client in TypeScript does with the types that were made of the description (palaver.ts, beside this file when
// it runs): somebody registers, logs in, refreshes and reads who they are, in both families.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./palaver.js";

const baseUrl = process.argv[2];
const api = createClient<paths>({ baseUrl });
const as = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

function done<T>(told: { data?: T; error?: components["schemas"]["Problem"] }): T {
  assert.ok(told.data, JSON.stringify(told.error));
  return told.data;
}

async function rooms() {
  const person = { email: "ts@example.org", username: "tess", password: "correct horse" };
  const made = done(await api.POST("/api/v1/auth/register", { body: { ...person, displayName: "Ts" } }));
  const again = await api.POST("/api/v1/auth/register", { body: person });
  assert.deepEqual([again.response.status, again.error?.code], [400, "EMAIL_TAKEN"]);

  const { email, password } = person;
  const session = done(await api.POST("/api/v1/auth/login", { body: { email, password } }));
  const header = { "x-refresh-token": session.data.refreshToken };
  const fresh = done(await api.POST("/api/v1/auth/refresh", { params: { header } }));
  assert.notEqual(fresh.data.refreshToken, session.data.refreshToken);

  const me = done(await api.GET("/api/v1/auth/me", as(fresh.data.accessToken)));
  assert.deepEqual([me.user.id, me.user.displayName, me.user.bio], [made.user.id, "Ts", null]);
  assert.deepEqual(me.data.user, me.user);
  const body = { bio: "Written in TypeScript", nativeLanguages: ["English"] };
  done(await api.PATCH("/api/v1/users/me", { ...as(fresh.data.accessToken), body }));
  const { data } = done(await api.GET("/api/v1/users/me", as(fresh.data.accessToken)));
  assert.deepEqual([data.profile.bio, data.profile.nativeLanguages], [body.bio, ["English"]]);
  const seen = done(await api.GET("/api/v1/users/username/{username}", { params: { path: { username: "tess" } } }));
  assert.equal(seen.data.profile.id, made.user.id);
  const out = done(await api.POST("/api/v1/auth/logout", as(fresh.data.accessToken)));
  assert.equal(out.success, true);
}

async function strangers() {
  const deviceFingerprint = "a device in TypeScript";
  const device = { deviceFingerprint, age: 30, termsAccepted: true, privacyAccepted: true };
  const young = await api.POST("/api/auth/register", { body: { ...device, age: 17 } });
  assert.deepEqual([young.response.status, young.error?.errorCode], [400, 1001]);
  const made = done(await api.POST("/api/auth/register", { body: device }));
  assert.ok("user" in made && made.user, "a device is signed in at once");

  const session = done(await api.POST("/api/auth/login", { body: { deviceFingerprint } }));
  assert.ok(session.refreshToken && session.token);
  const { refreshToken } = session;
  const fresh = done(await api.POST("/api/auth/refresh", { body: { refreshToken } }));

  const me = done(await api.GET("/api/auth/me", as(fresh.token)));
  assert.deepEqual([me.user.id, me.user.tier, me.user.email], [made.user.id, "guest", null]);
  const profile = done(await api.GET("/api/user/profile", as(fresh.token)));
  assert.equal(profile.user.id, made.user.id);
  done(await api.POST("/api/auth/logout", as(fresh.token)));
  const after = await api.GET("/api/auth/me", as(fresh.token));
  assert.deepEqual([after.response.status, after.error?.code], [401, "SESSION_ENDED"]);
}

await rooms();
await strangers();
console.log("both families answer as described");
