// One's own account, and how this browser shows the app.

import { useState, type FormEvent } from "react";
import { api } from "../api/client";
import { byField, inWords } from "../api/problem";
import { useMe } from "../api/queries";
import { renamed } from "../api/session";
import type { Me } from "../api/types";
import { useWrite } from "../api/writes";
import { chooseTheme, turnKeys, useKeysAreOn, useTheme } from "../lib/preferences";
import { clock } from "../lib/time";
import { DataCard, PasswordCard, Picture, refreshAccount, SessionsCard } from "../ui/account-forms";
import { Card, Field, FormEnd, Page, Segments, Select, Switch, TextArea } from "../ui/basics";
import { MailCard } from "../ui/mail-card";
import { useNow } from "../ui/now";
import { Loaded, Skeleton } from "../ui/states";

const THEMES = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

const ZONES = Intl.supportedValuesOf("timeZone");

function ProfileCard({ me }: { me: Me }) {
  const [username, setUsername] = useState(me.username);
  const [bio, setBio] = useState(me.bio);
  const [timezone, setTimezone] = useState(me.timezone);
  const [listed, setListed] = useState(me.listed);
  const now = useNow(60_000);
  const save = useWrite(
    () => api.patch("/users/me", { body: { username, bio, timezone, listed } }),
    [],
    (profile) => {
      renamed(profile.username);
      setUsername(profile.username);
      void refreshAccount(me.user_id);
    },
    true,
  );
  const errors = byField(save.error);
  const changed = username !== me.username || bio !== me.bio || timezone !== me.timezone || listed !== me.listed;
  const zones = ZONES.includes(timezone) ? ZONES : [timezone, ...ZONES];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined);
  };
  return (
    <Card title="Profile">
      <Picture me={me} />
      <form className="form" noValidate onSubmit={submit}>
        <Field label="Name" autoComplete="username" maxLength={50} value={username} error={errors.username} onChange={setUsername} />
        <Field label="Email" type="email" value={me.email} readOnly hint="Only you and admins see it." onChange={() => undefined} />
        <TextArea label="About you" value={bio} maxLength={2000} error={errors.bio} onChange={setBio} />
        <Select label="Time zone" value={timezone} error={errors.timezone} hint={`It is ${clock(now, timezone)} there. Days and streaks follow it from your next entry on.`} onChange={setTimezone}>
          {zones.map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll("_", " ")}
            </option>
          ))}
        </Select>
        <Switch label="On public boards" hint="Others see your name, time and badges on leaderboards, and find you by your name." checked={listed} onChange={setListed} />
        <FormEnd error={save.error == null || Object.keys(errors).length > 0 ? undefined : inWords(save.error)} busy={save.isPending} changed={changed} saved={save.isSuccess} />
      </form>
    </Card>
  );
}

function ScreenCard() {
  const theme = useTheme();
  const keysOn = useKeysAreOn();
  return (
    <Card title="This browser">
      <div className="form">
        <div className="field">
          <p className="field-label">Colours</p>
          <Segments label="Colours" value={theme} options={THEMES} onChange={chooseTheme} />
        </div>
        <Switch label="Single keys" hint="T, N, ? and numbers do something. Press ? to see them." checked={keysOn} onChange={turnKeys} />
      </div>
    </Card>
  );
}

export default function SettingsPage({ userId }: { userId: number }) {
  const me = useMe();
  return (
    <Page title="Settings">
      <Loaded query={me} loading={<Skeleton kind="card" rows={3} />}>
        {(own) => (
          <div className="columns columns-settings">
            <div className="stack">
              <ProfileCard key={userId} me={own} />
              <MailCard key={`mail-${userId}`} me={own} />
              <ScreenCard />
            </div>
            <div className="stack">
              <PasswordCard />
              <DataCard username={own.username} />
              <SessionsCard zone={own.timezone} />
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
