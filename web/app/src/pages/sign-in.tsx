// Signing in and up: the first thing that somebody sees.

import { useEffect, useState, type FormEvent } from "react";
import { Link, useLocation } from "wouter";
import { byField, inWords } from "../api/problem";
import { logIn, signUp } from "../api/session";
import { Button, Field } from "../ui/basics";
import { setPageTitle } from "../ui/title";
import { Welcome } from "../ui/welcome";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function SignInPage({ isNew }: { isNew: boolean }) {
  const [location, go] = useLocation();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [username, setUsername] = useState("");
  const [seen, setSeen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => setPageTitle(isNew ? "Sign up" : "Sign in"), [isNew]);
  useEffect(() => setError(null), [isNew]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await (isNew ? signUp(email, password, username, ZONE) : logIn(email, password));
      if (location.startsWith("/app/sign-")) go("/", { replace: true });
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };

  const fields = byField(error);
  const general = error && Object.keys(fields).length === 0 ? inWords(error) : null;
  return (
    <Welcome>
      <form className="form welcome-form" noValidate onSubmit={(event) => void submit(event)}>
        <h1>{isNew ? "Create your account" : "Welcome back"}</h1>
        {isNew && <Field label="Name" autoComplete="username" required value={username} maxLength={50} error={fields.username} hint={fields.username ? undefined : "Others see it on boards and projects."} onChange={setUsername} />}
        <Field label="Email" type="email" autoComplete="email" required value={email} error={fields.email} onChange={setEmail} />
        <div className="with-toggle">
          <Field
            label="Password"
            type={seen ? "text" : "password"}
            autoComplete={isNew ? "new-password" : "current-password"}
            required
            value={password}
            error={fields.password}
            hint={isNew ? "At least 8 characters." : undefined}
            onChange={setPassword}
          />
          <button type="button" className="toggle" aria-pressed={seen} onClick={() => setSeen(!seen)}>
            {seen ? "Hide" : "Show"}
            <span className="sr-only"> password</span>
          </button>
        </div>
        {general && (
          <p className="form-error" role="alert">
            {general}
          </p>
        )}
        <Button look="main" type="submit" busy={busy} className="button-wide">
          {isNew ? "Sign up" : "Sign in"}
        </Button>
        {!isNew && (
          <p className="welcome-switch">
            <Link className="link" href="/app/forgot-password">
              Forgot your password?
            </Link>
          </p>
        )}
        <p className="welcome-switch">
          {isNew ? "You have an account? " : "New here? "}
          <Link className="link" href={isNew ? "/app/sign-in" : "/app/sign-up"}>
            {isNew ? "Sign in" : "Create an account"}
          </Link>
        </p>
      </form>
    </Welcome>
  );
}
