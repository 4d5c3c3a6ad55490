// What goes wrong: the API's problems (RFC 9457), and no answer at all.

export interface FieldError {
  field: string | null;
  code: string;
  detail: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly errors: FieldError[];
  /** Members that the code defines, such as entry_id. */
  readonly members: Record<string, unknown>;
  /** Seconds to wait before another try. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: Record<string, unknown>, retryAfter?: number) {
    super(typeof body.detail === "string" ? body.detail : "The server answered in a way that is not understood.");
    this.name = "Problem";
    this.status = status;
    this.code = typeof body.code === "string" ? body.code : "unknown";
    this.field = typeof body.field === "string" ? body.field : undefined;
    this.errors = Array.isArray(body.errors) ? (body.errors as FieldError[]) : [];
    this.members = body;
    this.retryAfter = retryAfter;
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
    this.name = "Unreachable";
  }
}

const WORDS: Record<string, string> = {
  invalid_credentials: "Email or password is wrong.",
  email_taken: "There is an account with this email already.",
  username_taken: "Somebody else has this name already.",
  weak_password: "This password is too short, too common, or too much like your name or email.",
  wrong_password: "That is not your current password.",
  entry_overlaps: "This overlaps another entry.",
  start_not_later: "The running timer began later than that.",
  project_archived: "This project is archived: nothing more is tracked on it.",
  role_cannot_log: "Viewers of a project cannot track time on it.",
  not_a_member: "You are no member of this project (any more).",
  project_has_entries: "Time was tracked on this project: move it to another one first.",
  time_in_future: "That lies in the future.",
  end_not_after_start: "The end must lie after the start.",
  entry_already_ended: "This entry has ended already.",
  user_not_found: "There is no such person.",
};

/** What to tell somebody about an error. */
export function inWords(error: unknown): string {
  if (error instanceof Problem) {
    if (error.status === 429) return `Too many tries. Wait ${error.retryAfter ?? 60} seconds.`;
    if (error.status >= 500) return "The server cannot do this right now. Try again in a moment.";
    const said = WORDS[error.code] ?? sentence(error.message);
    return said;
  }
  if (error instanceof Unreachable) return "No connection to the server. Nothing was changed.";
  return "Something went wrong.";
}

/** The fields that a problem is about, each with what is wrong. */
export function byField(error: unknown): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  const found: Record<string, string> = {};
  for (const { field, code, detail } of error.errors) if (field !== null) found[field] ??= WORDS[code] ?? sentence(detail);
  if (error.field !== undefined) found[error.field] ??= inWords(error);
  return found;
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
