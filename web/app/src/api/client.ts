// The API as typed calls by whoever is signed in: a token that has expired is
// replaced, and the request sent once more.

import { Problem, Unreachable } from "./problem";
import { send, sendRaw, type Answer, type Sent } from "./send";
import { accessToken } from "./session";
import type { AnswerOf, BodyOf, Method, Operation, PathOf, QueryOf, VariablesOf } from "./types";

type Options<O> = { query?: QueryOf<O>; signal?: AbortSignal } & (VariablesOf<O> extends undefined ? { path?: undefined } : { path: VariablesOf<O> }) &
  (BodyOf<O> extends undefined ? { body?: undefined } : { body?: BodyOf<O> });

/** With a token; with another one if that is refused. */
export async function signed<T>(work: (token: string) => Promise<T>): Promise<T> {
  const token = await accessToken();
  try {
    return await work(token);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    return work(await accessToken(token));
  }
}

function fill(path: string, variables: Record<string, unknown> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(variables[name])));
}

/** A POST is sent with a key, and once more with the same when its answer got lost: it has its effect once. */
async function once(method: string, path: string, options: Sent): Promise<Answer> {
  if (method !== "POST") return send(method, path, options);
  const keyed = { ...options, key: crypto.randomUUID?.() };
  try {
    return await send(method, path, keyed);
  } catch (error) {
    if (!(error instanceof Unreachable) || keyed.key === undefined || !navigator.onLine) throw error;
    return send(method, path, keyed);
  }
}

interface Call {
  query?: Record<string, unknown>;
  path?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

async function call(method: Method, path: string, { query, path: variables, body, signal }: Call = {}): Promise<Answer> {
  return signed((token) => once(method.toUpperCase(), fill(path, variables), { token, query, body, signal }));
}

function caller<M extends Method>(method: M) {
  return async <P extends PathOf<M>>(path: P, ...rest: VariablesOf<Operation<M, P>> extends undefined ? [Options<Operation<M, P>>?] : [Options<Operation<M, P>>]) =>
    (await call(method, path as string, rest[0] as Call)).body as AnswerOf<Operation<M, P>>;
}

export const api = { get: caller("get"), post: caller("post"), put: caller("put"), patch: caller("patch"), delete: caller("delete") };

export interface Page<T> {
  rows: T[];
  next: string | null;
}

/** A page of a list: the first by its path, others by the Link of the one before. */
export async function page<P extends PathOf<"get">>(path: P, options: Options<Operation<"get", P>>, next: string | null, signal?: AbortSignal) {
  const answer = next === null ? await call("get", path as string, { ...(options as Call), signal }) : await call("get", next, { signal });
  return { rows: answer.body, next: answer.next } as Page<AnswerOf<Operation<"get", P>> extends (infer T)[] ? T : never>;
}

/** Every page, up to so many. */
export async function all<P extends PathOf<"get">>(path: P, options: Options<Operation<"get", P>>, signal?: AbortSignal, most = 10) {
  let part = await page(path, options, null, signal);
  const rows = [...part.rows];
  for (let count = 1; part.next !== null && count < most; count++) {
    part = await page(path, options, part.next, signal);
    rows.push(...part.rows);
  }
  return rows;
}

/** Save an answer as a file. */
export async function download(path: string, name: string, accept: string): Promise<void> {
  const response = await signed((token) => sendRaw("GET", path, { token, accept }));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
