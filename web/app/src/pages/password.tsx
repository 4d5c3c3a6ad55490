// A forgotten password: asking for a mail, and choosing a new one with the token
// that it brought.

import { useEffect, useState, type FormEvent } from "react";
import { Link, useLocation } from "wouter";
import { byField, inWords, Problem } from "../api/problem";
import { send } from "../api/send";
import { forget } from "../api/session";
import { useWrite } from "../api/writes";
import { Button, Field } from "../ui/basics";
import { setPageTitle } from "../ui/title";
import { tell } from "../ui/toasts";
import { Welcome } from "../ui/welcome";

function BackToSignIn() {
  return (
    <p className="welcome-switch">
      <Link className="link" href="/app/sign-in">
        Back to signing in
      </Link>
    </p>
  );
}

export function ForgotPage() {
  const [email, setEmail] = useState("");
  const ask = useWrite(() => send("POST", "/auth/password/forgot", { body: { email } }), [], undefined, true);
  useEffect(() => setPageTitle("Forgotten password"), []);
  const { email: wrong } = byField(ask.error);
  const general = ask.error && wrong === undefined ? (ask.error instanceof Problem && ask.error.status === 501 ? "This server sends no mail. Ask who runs it." : inWords(ask.error)) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate(undefined);
  };
  return (
    <Welcome>
      <form className="form welcome-form" noValidate onSubmit={submit}>
        <h1>Forgotten password</h1>
        {ask.isSuccess ? (
          <p role="status">If there is an account with that email, a link to choose a new password is on its way. It is good for an hour.</p>
        ) : (
          <>
            <Field label="Email" type="email" autoComplete="email" required value={email} error={wrong} hint="A link to choose a new password is sent there." onChange={setEmail} />
            {general && (
              <p className="form-error" role="alert">
                {general}
              </p>
            )}
            <Button look="main" type="submit" busy={ask.isPending} disabled={email.trim() === ""} className="button-wide">
              Send the link
            </Button>
          </>
        )}
        <BackToSignIn />
      </form>
    </Welcome>
  );
}

/** The token behind the # is in no log, and does not stay in the address. */
function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token !== "") history.replaceState(history.state, "", location.pathname);
  return token;
}

export function ResetPage() {
  const [, go] = useLocation();
  const [token, setToken] = useState("");
  const [password, setPassword] = useState("");
  useEffect(() => {
    setPageTitle("New password");
    setToken((known) => known || takeToken());
  }, []);
  const reset = useWrite(
    () => send("POST", "/auth/password/reset", { body: { token, new_password: password } }),
    [],
    () => {
      forget();
      go("/app/sign-in", { replace: true });
      tell("Your password is set. Sign in with it.");
    },
    true,
  );
  const { new_password: wrong } = byField(reset.error);
  const general = reset.error && wrong === undefined ? (reset.error instanceof Problem && reset.error.status === 422 ? "This link was used before, or is older than an hour. Ask for another one." : inWords(reset.error)) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reset.mutate(undefined);
  };
  return (
    <Welcome>
      <form className="form welcome-form" noValidate onSubmit={submit}>
        <h1>Choose a new password</h1>
        <Field label="New password" type="password" autoComplete="new-password" required value={password} error={wrong} hint="At least 8 characters. You sign in anew everywhere." onChange={setPassword} />
        {general && (
          <p className="form-error" role="alert">
            {general}
          </p>
        )}
        <Button look="main" type="submit" busy={reset.isPending} disabled={password === ""} className="button-wide">
          Set the password
        </Button>
        <p className="welcome-switch">
          <Link className="link" href="/app/forgot-password">
            Ask for another link
          </Link>
        </p>
      </form>
    </Welcome>
  );
}
