// One request and its answer: JSON both ways, problems as errors. Tokens are
// the caller's business. The server's clock is noted along the way.

import { Problem, Unreachable } from "./problem";

export interface Sent {
  token?: string;
  query?: Record<string, unknown>;
  body?: unknown;
  /** Instead of a JSON body. */
  blob?: Blob;
  accept?: string;
  signal?: AbortSignal;
  key?: string;
}

export interface Answer {
  status: number;
  body: unknown;
  /** Path and query of the next page; null on the last one. */
  next: string | null;
}

/** How far the server's clock is ahead of ours, in ms: 0 when they agree within what can be told. */
let ahead = 0;

function noteClock(response: Response, sent: number) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  // The header has whole seconds, cut off; the answer was made between sending and now.
  const difference = date + 500 - (sent + Date.now()) / 2;
  ahead = Math.abs(difference) < 2000 ? 0 : difference;
}

/** Now, by the server's clock. */
export function serverNow(): number {
  return Date.now() + ahead;
}

function address(path: string, query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : String(value)]))}`;
}

function nextOf(response: Response): string | null {
  return /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? null;
}

export async function sendRaw(method: string, path: string, { token, query, body, blob, accept, signal, key }: Sent = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept ?? "application/json" };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (blob !== undefined) headers["Content-Type"] = blob.type;
  if (key !== undefined) headers["Idempotency-Key"] = `"${key}"`;
  const sent = Date.now();
  let response: Response;
  try {
    response = await fetch(address(path, query), { method, headers, credentials: "omit", signal, body: blob ?? (body === undefined ? undefined : JSON.stringify(body)) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
  noteClock(response, sent);
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  throw new Problem(response.status, problem, Number(response.headers.get("Retry-After")) || undefined);
}

export async function send(method: string, path: string, options: Sent = {}): Promise<Answer> {
  const response = await sendRaw(method, path, options);
  try {
    return { status: response.status, body: response.status === 204 ? null : await response.json(), next: nextOf(response) };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable();
  }
}
