// Who is signed in. Both tokens are in localStorage, so that a reload or another
// tab asks for neither password nor new tokens; the page's policy lets no foreign
// script in that could read them. Each refresh token works once, and using one
// twice ends the session: tabs take turns, and share what one of them got.

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
  access?: { token: string; expires: number };
}

export type Viewer = Pick<Kept, "user_id" | "username" | "role">;

let memory: Kept | null = null;
let refreshing: Promise<string> | null = null;
let viewer: Viewer | null = viewerOf(read());
const listeners = new Set<() => void>();

function read(): Kept | null {
  try {
    memory = JSON.parse(localStorage.getItem(STORE) ?? "null") as Kept | null;
  } catch {
    // Without storage the session lasts as long as the page.
  }
  return memory;
}

function write(kept: Kept | null) {
  memory = kept;
  try {
    if (kept === null) localStorage.removeItem(STORE);
    else localStorage.setItem(STORE, JSON.stringify(kept));
  } catch {
    // as above
  }
  changed(viewerOf(kept));
}

function viewerOf(kept: Kept | null): Viewer | null {
  return kept && { user_id: kept.user_id, username: kept.username, role: kept.role };
}

function changed(next: Viewer | null) {
  if (JSON.stringify(next) === JSON.stringify(viewer)) return;
  viewer = next;
  for (const listener of listeners) listener();
}

function keep({ refresh_token, user_id, username, role, access_token, expires_in }: Session) {
  write({ refresh_token, user_id, username, role, access: { token: access_token, expires: Date.now() + expires_in * 1000 } });
}

/** Forget who was signed in, here and in other tabs. */
export function forget() {
  write(null);
}

// Another tab signed in, out, or in as somebody else.
globalThis.addEventListener?.("storage", (event) => {
  if (event.key === STORE || event.key === null) changed(viewerOf(read()));
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

/** The token that is kept, if it is good for a while and not the one that was refused. */
function fresh(kept: Kept | null, stale: string | undefined): string | undefined {
  const access = kept?.access;
  return access !== undefined && access.token !== stale && access.expires - Date.now() > EARLY ? access.token : undefined;
}

async function refresh(stale: string | undefined): Promise<string> {
  return alone(async () => {
    const kept = read();
    if (kept === null) throw new Problem(401, { code: "signed_out", detail: "You are signed out." });
    // Another tab may have been here just before.
    const others = fresh(kept, stale);
    if (others !== undefined) return others;
    try {
      const session = (await send("POST", "/auth/refresh", { body: { refresh_token: kept.refresh_token } })).body as Session;
      keep(session);
      return session.access_token;
    } catch (error) {
      // What came meanwhile, as somebody signed in anew, is not what was refused.
      if (error instanceof Problem && (error.status === 401 || error.status === 422) && read()?.refresh_token === kept.refresh_token) forget();
      throw error;
    }
  });
}

/** A token that is good for a while; `stale` is one that the server has just refused. */
export async function accessToken(stale?: string): Promise<string> {
  const kept = fresh(read(), stale);
  if (kept !== undefined) return kept;
  refreshing ??= refresh(stale).finally(() => (refreshing = null));
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
  try {
    if (read() !== null) await send("POST", "/auth/logout", { token: await accessToken(), body: { refresh_token: read()?.refresh_token } });
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  } finally {
    forget();
  }
}

/** The name that others see has changed. */
export function renamed(username: string) {
  const kept = read();
  if (kept !== null) write({ ...kept, username });
}
