// What one was told, newest first; unread ones stand out until they are marked.

import { useState } from "react";
import { Link } from "wouter";
import { api } from "../api/client";
import { keys, useNotifications, useUnread } from "../api/queries";
import type { Notification } from "../api/types";
import { useWrite } from "../api/writes";
import { useZone } from "../api/zone";
import { ago, duration } from "../lib/time";
import { Button, Card, IconButton, Page, Segments } from "../ui/basics";
import { Icon, type IconName } from "../ui/icons";
import { useNow } from "../ui/now";
import { Empty, Pages, Skeleton } from "../ui/states";

const SHOWN = [
  ["all", "All"],
  ["unread", "Unread"],
] as const;

interface Told {
  icon: IconName;
  text: string;
  to?: string;
}

function told({ kind, payload }: Notification): Told {
  const data = payload as Record<string, string | number | null>;
  const project = data.project_id ? `/app/projects/${data.project_id}` : undefined;
  const somebody = data.username ?? "Somebody";
  switch (kind) {
    case "badge_awarded":
      return { icon: "badges", text: `You earned ${data.name}.`, to: "/app/badges" };
    case "badge_taken_back":
      return { icon: "badges", text: `You no longer have ${data.name}: what it asks for holds no more.`, to: "/app/badges" };
    case "streak_reached":
      return { icon: "flame", text: `A streak of ${data.days} days.`, to: "/app/activity" };
    case "entry_flagged":
      return { icon: "warning", text: `An entry on ${data.project_name} lasts ${duration(Number(data.duration_seconds))}, and counts nothing until you correct it.`, to: "/" };
    case "member_joined":
      return { icon: "projects", text: `${somebody} joined ${data.project_name}.`, to: project };
    case "member_left":
      return { icon: "projects", text: `${somebody} left ${data.project_name}.`, to: project };
    case "member_added":
      return { icon: "projects", text: `You are now a ${data.role} of ${data.project_name}.`, to: project };
    case "role_changed":
      return { icon: "projects", text: `On ${data.project_name} you are now a ${data.to}; you were a ${data.from}.`, to: project };
    case "ownership_received":
      return { icon: "projects", text: `${data.project_name} is yours now.`, to: project };
    case "member_removed":
      return { icon: "projects", text: `You are no member of ${data.project_name} any more.` };
    case "project_deleted":
      return { icon: "projects", text: `${data.project_name} was deleted.` };
    case "webhook_disabled":
      return { icon: "warning", text: `The webhook to ${data.url} was disabled, as it went on failing.` };
    default:
      return { icon: "bell", text: typeof data.text === "string" ? data.text : kind.replaceAll("_", " ") };
  }
}

export default function NotificationsPage() {
  const [shown, setShown] = useState<"all" | "unread">("all");
  const list = useNotifications(shown === "unread");
  const unread = useUnread().data?.unread ?? 0;
  const zone = useZone();
  const now = useNow(60_000);
  const mark = useWrite((ids: number[] | undefined) => api.post("/notifications/read", { body: ids ? { ids } : {} }), [keys.notifications]);
  return (
    <Page
      title="Notifications"
      actions={
        <Button icon="check" disabled={unread === 0} busy={mark.isPending} onClick={() => mark.mutate(undefined)}>
          Mark all read
        </Button>
      }
    >
      <div className="toolbar">
        <Segments label="Which notifications" value={shown} options={SHOWN} onChange={setShown} />
      </div>
      <Card>
        <Pages query={list} loading={<Skeleton rows={6} />} empty={<Empty icon="bell" title={shown === "unread" ? "Everything is read." : "Nothing has been told to you yet."} />}>
          {(rows) => (
            <ul className="notices">
              {rows.map((one) => {
                const { icon, text, to } = told(one);
                const isNew = one.read_at === null;
                return (
                  <li key={one.notification_id} className={isNew ? "notice notice-new" : "notice"}>
                    <span className="event-icon">
                      <Icon name={icon} size={18} />
                    </span>
                    <span className="notice-text">
                      {isNew && <span className="sr-only">New: </span>}
                      {to ? (
                        <Link href={to} className="notice-link" onClick={() => isNew && mark.mutate([one.notification_id])}>
                          {text}
                        </Link>
                      ) : (
                        text
                      )}
                      <time className="notice-when" dateTime={one.created_at}>
                        {ago(Date.parse(one.created_at), now, zone)}
                      </time>
                    </span>
                    {isNew && <IconButton label={`Mark as read: ${text}`} icon="check" onClick={() => mark.mutate([one.notification_id])} />}
                  </li>
                );
              })}
            </ul>
          )}
        </Pages>
      </Card>
    </Page>
  );
}
