// What somebody did, newest first, without end: by days.

import { Link } from "wouter";
import { useTimeline } from "../api/queries";
import type { TimelineEvent } from "../api/types";
import { useZone } from "../api/zone";
import { clock, dayOf, duration, relativeDay } from "../lib/time";
import { Card, Page } from "../ui/basics";
import { Icon, type IconName } from "../ui/icons";
import { useNow } from "../ui/now";
import { Empty, Pages, Skeleton } from "../ui/states";

const ICONS: Record<string, IconName> = {
  user_joined: "person",
  project_created: "projects",
  project_joined: "projects",
  visibility_changed: "globe",
  time_entry_completed: "today",
  badge_earned: "badges",
  streak_reached: "flame",
};

function What({ event }: { event: TimelineEvent }) {
  const data = event.event_data as Record<string, unknown>;
  const project = data.project_name ? (
    <Link className="link" href={`/app/projects/${Number(data.project_id)}`}>
      {String(data.project_name)}
    </Link>
  ) : (
    "a project"
  );
  switch (event.event_type) {
    case "user_joined":
      return <>Joined TimeTrackr</>;
    case "project_created":
      return <>Created {project}</>;
    case "project_joined":
      return <>Joined {project}</>;
    case "visibility_changed":
      return (
        <>
          Made {project} {data.to === "public" ? "public" : "private"}
        </>
      );
    case "time_entry_completed":
      return (
        <>
          <strong>{duration(Number(data.duration_seconds))}</strong> on {project}
        </>
      );
    case "badge_earned":
      return (
        <>
          Earned <strong>{String(data.badge_name)}</strong>
        </>
      );
    case "streak_reached":
      return (
        <>
          Reached a streak of <strong>{Number(data.days)} days</strong>
        </>
      );
    default:
      return <>{event.event_type.replaceAll("_", " ")}</>;
  }
}

/** The events of one after another, in a list for each day. */
export function Events({ rows, zone, today }: { rows: TimelineEvent[]; zone: string; today: string }) {
  const days: { day: string; events: TimelineEvent[] }[] = [];
  for (const event of rows) {
    const day = dayOf(Date.parse(event.timestamp), zone);
    const last = days.at(-1);
    if (last?.day === day) last.events.push(event);
    else days.push({ day, events: [event] });
  }
  return (
    <>
      {days.map(({ day, events }) => (
        <section key={day} className="events-day" aria-label={relativeDay(day, today)}>
          <h3>{relativeDay(day, today)}</h3>
          <ul className="events">
            {events.map((event) => (
              <li key={event.event_id} className={`event event-${event.event_type}`}>
                <span className="event-icon">
                  <Icon name={ICONS[event.event_type] ?? "timeline"} size={18} />
                </span>
                <span className="event-what">
                  <What event={event} />
                </span>
                <time className="event-when" dateTime={event.timestamp}>
                  {clock(Date.parse(event.timestamp), zone)}
                </time>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

export default function TimelinePage({ userId }: { userId: number }) {
  const zone = useZone();
  const today = dayOf(useNow(60_000), zone);
  const timeline = useTimeline(userId);
  return (
    <Page title="Timeline">
      <Card>
        <Pages query={timeline} loading={<Skeleton rows={10} />} empty={<Empty icon="timeline" title="Nothing has happened yet." />}>
          {(rows) => <Events rows={rows} zone={zone} today={today} />}
        </Pages>
      </Card>
    </Page>
  );
}
