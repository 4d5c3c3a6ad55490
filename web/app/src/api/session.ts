// Who is signed in. The access token lives in memory alone. The refresh token
// is in localStorage, so that a reload or another tab need no password; the
// page's policy lets no foreign script in that could read it. Each refresh
// token works once, and using one twice ends the session: tabs take turns.

import { useSyncExternalStore } from "react";
import { Problem, Unreachable } from "./problem";
import { send } from "./send";
import type { Session } from "./types";

const STORE = "timetrackr.session";
const LOCK = "timetrackr.refresh";
const EARLY = 30_000;

interface Kept {
  refresh_token: string;
  user_id: number;
  username: string;
  role: "user" | "admin";
}

export type Viewer = Omit<Kept, "refresh_token">;

let access: { token: string; expires: number } | null = null;
let refreshing: Promise<string> | null = null;
let viewer: Viewer | null = viewerOf(read());
const listeners = new Set<() => void>();

function read(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

function viewerOf(kept: Kept | null): Viewer | null {
  return kept && { user_id: kept.user_id, username: kept.username, role: kept.role };
}

function changed(next: Viewer | null) {
  if (JSON.stringify(next) === JSON.stringify(viewer)) return;
  viewer = next;
  for (const listener of listeners) listener();
}

function keep(session: Session) {
  const { refresh_token, user_id, username, role } = session;
  localStorage.setItem(STORE, JSON.stringify({ refresh_token, user_id, username, role } satisfies Kept));
  access = { token: session.access_token, expires: Date.now() + session.expires_in * 1000 };
  changed({ user_id, username, role });
}

/** Forget who was signed in, here and in other tabs. */
export function forget() {
  access = null;
  localStorage.removeItem(STORE);
  changed(null);
}

// Another tab signed in, out, or in as somebody else.
globalThis.addEventListener?.("storage", (event) => {
  if (event.key !== STORE && event.key !== null) return;
  const next = viewerOf(read());
  if (next?.user_id !== viewer?.user_id) access = null;
  changed(next);
});

export function useViewer(): Viewer | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => viewer,
  );
}

/** Is somebody signed in, as far as is known here? */
export function isSignedIn(): boolean {
  return viewer !== null;
}

/** Run with no other tab doing the same. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  // Without HTTPS there are no locks, but for localhost: then tabs hope not to meet.
  if (!("locks" in navigator)) return work();
  return navigator.locks.request(LOCK, work) as Promise<T>;
}

async function refresh(): Promise<string> {
  return alone(async () => {
    const kept = read();
    if (kept === null) throw new Problem(401, { code: "signed_out", detail: "You are signed out." });
    try {
      keep((await send("POST", "/auth/refresh", { body: { refresh_token: kept.refresh_token } })).body as Session);
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 422)) forget();
      throw error;
    }
    return access!.token;
  });
}

/** A token that is good for a while; `stale` is one that the server has just refused. */
export async function accessToken(stale?: string): Promise<string> {
  if (access !== null && access.token !== stale && access.expires - Date.now() > EARLY) return access.token;
  refreshing ??= refresh().finally(() => (refreshing = null));
  return refreshing;
}

export async function logIn(email: string, password: string) {
  keep((await send("POST", "/auth/login", { body: { email, password } })).body as Session);
}

export async function signUp(email: string, password: string, username: string, timezone: string) {
  keep((await send("POST", "/auth/signup", { body: { email, password, username, timezone } })).body as Session);
}

/** End the session at the server, too; where that cannot be reached, here at least. */
export async function logOut() {
  const kept = read();
  try {
    if (kept !== null) await send("POST", "/auth/logout", { token: await accessToken(), body: { refresh_token: read()?.refresh_token } });
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  } finally {
    forget();
  }
}

/** The name that others see has changed. */
export function renamed(username: string) {
  const kept = read();
  if (kept === null) return;
  localStorage.setItem(STORE, JSON.stringify({ ...kept, username }));
  changed({ ...viewerOf(kept)!, username });
}
