// The API's types by endpoint, from schema.d.ts, which is made from
// docs/openapi.json.

import type { paths } from "./schema";

export type Method = "get" | "post" | "put" | "patch" | "delete";

export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];

export type Operation<M extends Method, P extends PathOf<M>> = NonNullable<paths[P][M]>;

export type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
export type VariablesOf<O> = O extends { parameters: { path: infer V } } ? V : undefined;
export type BodyOf<O> = O extends { requestBody?: infer R } ? (NonNullable<R> extends { content: { "application/json": infer B } } ? B : undefined) : undefined;

type Json<R, Status extends number> = R extends Record<Status, { content: { "application/json": infer T } }> ? T : never;
type Empty<R> = R extends { 204: unknown } ? null : never;

/** What an operation answers when all goes well; null for 204. */
export type AnswerOf<O> = O extends { responses: infer R } ? Json<R, 200> | Json<R, 201> | Empty<R> : never;

export type Get<P extends PathOf<"get">> = AnswerOf<Operation<"get", P>>;
type Row<P extends PathOf<"get">> = Get<P> extends (infer T)[] ? T : never;

export type Session = AnswerOf<Operation<"post", "/auth/login">>;
export type Me = Get<"/users/me">;
export type Profile = Get<"/users/{user_id}/profile">;
export type Entry = Row<"/time-entries">;
export type Project = Row<"/projects">;
export type ProjectDetails = Get<"/projects/{project_id}">;
export type Role = ProjectDetails["members"][number]["role"];
export type Badge = Row<"/badges">;
export type AnyBadge = Row<"/badges/all">;
export type Person = Row<"/users">;
export type EarnedBadge = Row<"/users/{user_id}/badges">;
export type Progress = Row<"/users/{user_id}/badges/progress">;
export type Day = Row<"/users/{user_id}/days">;
export type TimelineEvent = Row<"/users/{user_id}/timeline">;
export type BoardRow = Row<"/leaderboard">;
export type Notification = Row<"/notifications">;
export type OpenSession = Row<"/auth/sessions">;
export type Tier = Badge["tier"];
export type Period = "day" | "week" | "month" | "all";
