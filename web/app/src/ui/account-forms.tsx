// The parts of the settings that are about the account itself: picture,
// password, sessions, its data, and its end.

import { useRef, useState, type FormEvent } from "react";
import { putAvatar } from "../api/avatar";
import { api, download } from "../api/client";
import { byField, inWords, Problem } from "../api/problem";
import { keys, useSessions } from "../api/queries";
import { forget } from "../api/session";
import type { Me } from "../api/types";
import { refresh, useWrite } from "../api/writes";
import { drawSquare, fileOf } from "../lib/picture";
import { ago } from "../lib/time";
import { Avatar, Button, Card, Field } from "./basics";
import { Dialog } from "./dialog";
import { useNow } from "./now";
import { Loaded, Skeleton } from "./states";
import { tell } from "./toasts";

export function Picture({ me }: { me: Me }) {
  const chooser = useRef<HTMLInputElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chosen, setChosen] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const shows = [keys.me, keys.person(me.user_id), keys.boards, keys.people];
  const save = useWrite(
    async () => {
      const file = await fileOf(canvas.current!);
      if (file !== null) await putAvatar(file);
    },
    shows,
    () => {
      setChosen(false);
      tell("Your picture is changed.");
    },
    true,
  );
  const choose = async (file: File | undefined) => {
    save.reset();
    if (file === undefined) return;
    const drawn = await drawSquare(file, canvas.current!);
    setChosen(drawn);
    setWrong(drawn ? undefined : "This is no picture that can be read: choose a PNG, JPEG, WebP or GIF.");
  };
  const remove = useWrite(() => api.delete("/users/me/avatar"), shows, "Your picture is gone.");
  const refused = save.error ? inWords(save.error) : wrong;
  return (
    <div className="picture">
      <canvas ref={canvas} className={chosen ? "picture-new" : "picture-new gone"} role="img" aria-label="The new picture" />
      {!chosen && <Avatar id={me.user_id} name={me.username} url={me.avatar_url} size="large" />}
      <div className="picture-acts">
        <input
          ref={chooser}
          type="file"
          className="gone"
          accept="image/png,image/jpeg,image/webp,image/gif"
          aria-label="Picture"
          onChange={(event) => {
            void choose(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <Button icon="upload" onClick={() => chooser.current!.click()}>
          Choose a picture
        </Button>
        {chosen ? (
          <Button look="main" busy={save.isPending} onClick={() => save.mutate(undefined)}>
            Use it
          </Button>
        ) : (
          me.avatar_url !== null && (
            <Button busy={remove.isPending} onClick={() => remove.mutate(undefined)}>
              Remove
            </Button>
          )
        )}
        <p className="field-note" role={refused ? "alert" : undefined}>
          {refused ?? "Its middle square is used, and made small before it is sent."}
        </p>
      </div>
    </div>
  );
}

export function PasswordCard() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useWrite(
    () => api.put("/auth/password", { body: { current_password: current, new_password: next } }),
    [],
    () => {
      // Every session has ended, this one too.
      tell("Your password is changed. Sign in with the new one.");
      forget();
    },
    true,
  );
  const errors = byField(change.error);
  const isWrong = change.error instanceof Problem && change.error.code === "wrong_password";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(undefined);
  };
  return (
    <Card title="Password">
      <form className="form" noValidate onSubmit={submit}>
        <Field label="Current password" type="password" autoComplete="current-password" value={current} error={isWrong ? inWords(change.error) : errors.current_password} onChange={setCurrent} />
        <Field label="New password" type="password" autoComplete="new-password" value={next} error={errors.new_password} hint="At least 8 characters. You sign in anew everywhere." onChange={setNext} />
        {change.error != null && !isWrong && Object.keys(errors).length === 0 && (
          <p className="form-error" role="alert">
            {inWords(change.error)}
          </p>
        )}
        <div>
          <Button type="submit" busy={change.isPending} disabled={current === "" || next === ""}>
            Change password
          </Button>
        </div>
      </form>
    </Card>
  );
}

export function SessionsCard({ zone }: { zone: string }) {
  const sessions = useSessions();
  const now = useNow(60_000);
  const end = useWrite((session_id: string) => api.delete("/auth/sessions/{session_id}", { path: { session_id } }), [keys.sessions], "That session has ended.");
  return (
    <Card title="Where you are signed in">
      <Loaded query={sessions} loading={<Skeleton rows={2} />} empty={<p className="field-note">Nowhere else.</p>}>
        {(rows) => (
          <ul className="sessions">
            {rows.map((session) => (
              <li key={session.session_id} className="session">
                <span>
                  <span className="session-where">{session.address ?? "Unknown address"}</span>
                  <span className="field-note">
                    since {ago(Date.parse(session.created_at), now, zone)}, last used {ago(Date.parse(session.last_used_at), now, zone)}
                  </span>
                </span>
                <Button small busy={end.isPending && end.variables === session.session_id} onClick={() => end.mutate(session.session_id)}>
                  End<span className="sr-only"> the session at {session.address ?? "an unknown address"}</span>
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const remove = useWrite(
    () => api.delete("/users/me", { body: { password } }),
    [],
    () => {
      forget();
      tell("Your account and all its data are gone.");
    },
    true,
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    remove.mutate(undefined);
  };
  const wrong = remove.error ? (remove.error instanceof Problem && remove.error.status === 403 ? "That is not your password." : inWords(remove.error)) : undefined;
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <p>All your entries, badges, and places on boards go at once, and for good. Projects that others use pass to one of them.</p>
        <Field label="Your password" type="password" autoComplete="current-password" value={password} error={wrong} onChange={setPassword} />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" type="submit" busy={remove.isPending} disabled={password === ""}>
            Delete everything
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useDownload() {
  const [busy, setBusy] = useState(false);
  const run = async (path: string, name: string, accept: string) => {
    setBusy(true);
    try {
      await download(path, name, accept);
    } catch (error) {
      tell(inWords(error), "bad");
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}

export function DataCard({ username }: { username: string }) {
  const [deleting, setDeleting] = useState(false);
  const everything = useDownload();
  const entries = useDownload();
  const name = username.replace(/[^A-Za-z0-9._-]+/g, "-");
  return (
    <>
      <Card title="Your data">
        <div className="choices">
          <Button icon="download" busy={everything.busy} onClick={() => void everything.run("/users/me/export", `timetrackr-${name}.json`, "application/json")}>
            Everything as JSON
          </Button>
          <Button icon="download" busy={entries.busy} onClick={() => void entries.run("/time-entries/export.csv", `entries-${name}.csv`, "text/csv")}>
            Entries as CSV
          </Button>
        </div>
      </Card>
      <Card title="Delete account">
        <div className="choices">
          <p className="field-note">You, your entries, and everything that follows from them.</p>
          <Button look="danger" icon="trash" onClick={() => setDeleting(true)}>
            Delete account
          </Button>
        </div>
      </Card>
      {deleting && <DeleteDialog onClose={() => setDeleting(false)} />}
    </>
  );
}

/** Read the account anew. */
export function refreshAccount(userId: number) {
  return refresh(keys.me, keys.person(userId), keys.boards);
}
