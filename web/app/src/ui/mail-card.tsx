// Which notifications are mailed, too: a rule for all of them, and exceptions by kind.

import { useState, type FormEvent } from "react";
import { api } from "../api/client";
import { inWords } from "../api/problem";
import type { Me } from "../api/types";
import { useWrite } from "../api/writes";
import { choiceOf, choose, isSame, type Choice, type Exceptions } from "../lib/mails";
import { refreshAccount } from "./account-forms";
import { Card, FormEnd, Select } from "./basics";

type Rule = Me["email_notifications"];

const RULES = [
  ["none", "None"],
  ["important", "Those that ask for something"],
  ["all", "All"],
] as const;

const CHOICES = [
  ["rule", "As above"],
  ["always", "Always"],
  ["never", "Never"],
] as const;

const KINDS = [
  ["badge_awarded", "A badge is earned"],
  ["badge_taken_back", "A badge is taken back"],
  ["streak_reached", "A streak is reached"],
  ["entry_flagged", "An entry is too long"],
  ["member_added", "I am added to a project"],
  ["role_changed", "My role changes"],
  ["ownership_received", "A project becomes mine"],
  ["member_removed", "I am removed from a project"],
  ["project_deleted", "A project is deleted"],
  ["member_joined", "Somebody joins my project"],
  ["member_left", "Somebody leaves my project"],
  ["webhook_disabled", "A webhook is disabled"],
] as const;

export function MailCard({ me }: { me: Me }) {
  const kept: Exceptions = { also: me.email_also, never: me.email_never };
  const [rule, setRule] = useState(me.email_notifications);
  const [exceptions, setExceptions] = useState(kept);
  const save = useWrite(
    () => api.patch("/users/me", { body: { email_notifications: rule, email_also: [...exceptions.also], email_never: [...exceptions.never] } }),
    [],
    () => void refreshAccount(me.user_id),
    true,
  );
  const changed = rule !== me.email_notifications || !isSame(exceptions, kept);
  const count = KINDS.filter(([kind]) => choiceOf(exceptions, kind) !== "rule").length;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined);
  };
  return (
    <Card title="Mail">
      <form className="form" onSubmit={submit}>
        <Select label="Notifications by mail" value={rule} hint="Where this server sends mail." onChange={(value) => setRule(value as Rule)}>
          {RULES.map(([one, text]) => (
            <option key={one} value={one}>
              {text}
            </option>
          ))}
        </Select>
        <details className="kinds">
          <summary>
            Single kinds
            {count > 0 && <span className="tag">{count} set</span>}
          </summary>
          <div className="kinds-list">
            {KINDS.map(([kind, text]) => (
              <Select key={kind} label={text} value={choiceOf(exceptions, kind)} onChange={(value) => setExceptions(choose(exceptions, kind, value as Choice))}>
                {CHOICES.map(([one, name]) => (
                  <option key={one} value={one}>
                    {name}
                  </option>
                ))}
              </Select>
            ))}
          </div>
        </details>
        <FormEnd error={save.error == null ? undefined : inWords(save.error)} busy={save.isPending} changed={changed} saved={save.isSuccess} />
      </form>
    </Card>
  );
}
