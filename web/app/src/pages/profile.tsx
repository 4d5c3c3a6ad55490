// Somebody, as others see them.

import { Link } from "wouter";
import { useDays, useEarned, useProfile, useTimeline } from "../api/queries";
import type { Profile } from "../api/types";
import { useZone } from "../api/zone";
import { addDays, dayOf, duration, fullDay } from "../lib/time";
import { Avatar, Card, hueOf, Page } from "../ui/basics";
import { BadgePicture } from "../ui/badge-picture";
import { Heatmap } from "../ui/heatmap";
import { useNow } from "../ui/now";
import { Empty, Loaded, Pages, Skeleton } from "../ui/states";
import { Events } from "./timeline";

function Year({ id, streak, today }: { id: number; streak: number; today: string }) {
  const from = addDays(today, -364);
  const days = useDays(id, from, today);
  return (
    <Loaded query={days} loading={<Skeleton kind="chart" rows={1} />}>
      {(rows) => <Heatmap days={rows} from={from} to={today} streak={streak} />}
    </Loaded>
  );
}

function Earned({ id }: { id: number }) {
  const earned = useEarned(id);
  return (
    <Loaded query={earned} loading={<Skeleton kind="line" rows={2} />} empty={<Empty icon="badges" title="No badges yet." />}>
      {(rows) => (
        <ul className="badge-row">
          {rows.map((badge) => (
            <li key={badge.badge_id} title={badge.name}>
              <BadgePicture name={badge.name} tier={badge.tier} url={badge.image_url} size={56} />
              <span>{badge.name}</span>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function Contributions({ profile }: { profile: Profile }) {
  if (profile.contributions.length === 0) return <Empty icon="projects" title="No time on projects that you can see." />;
  const most = Math.max(1, ...profile.contributions.map(({ total_seconds }) => total_seconds));
  return (
    <ul className="shares">
      {profile.contributions.map(({ project_id, name, total_seconds }) => (
        <li key={project_id} className={`share ${hueOf(project_id)}`}>
          <Link className="share-name link" href={`/app/projects/${project_id}`}>
            {name}
          </Link>
          <span className="share-time">{duration(total_seconds)}</span>
          <span className="share-bar" aria-hidden="true">
            <span style={{ width: `${(total_seconds / most) * 100}%` }} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Recent({ id, zone, today }: { id: number; zone: string; today: string }) {
  const timeline = useTimeline(id);
  return (
    <Pages query={timeline} loading={<Skeleton rows={5} />} empty={<Empty icon="timeline" title="Nothing that you can see." />}>
      {(rows) => <Events rows={rows} zone={zone} today={today} />}
    </Pages>
  );
}

export default function ProfilePage({ id, viewerId }: { id: number; viewerId: number }) {
  const profile = useProfile(id);
  const zone = useZone();
  const today = dayOf(useNow(60_000), zone);
  if (profile.data === undefined)
    return (
      <Page title="Profile">
        <Loaded query={profile} loading={<Skeleton kind="card" rows={2} />}>
          {() => null}
        </Loaded>
      </Page>
    );
  const person = profile.data;
  const figures = [
    [duration(person.total_seconds), "in all"],
    [person.rank === null ? "–" : `#${person.rank}`, "of all time"],
    [String(person.current_streak_days), person.current_streak_days === 1 ? "day in a row" : "days in a row"],
    [String(person.longest_streak_days), "longest streak"],
  ] as const;
  return (
    <Page
      title={person.username}
      intro={person.bio}
      actions={
        id === viewerId ? (
          <Link className="button button-plain" href="/app/settings">
            Edit profile
          </Link>
        ) : undefined
      }
    >
      <p className="facts">
        <Avatar id={person.user_id} name={person.username} url={person.avatar_url} size="large" />
        <span>Here since {fullDay(dayOf(Date.parse(person.created_at), zone))}</span>
      </p>
      <div className="figures">
        {figures.map(([number, name]) => (
          <div key={name} className="figure">
            <p className="figure-number">{number}</p>
            <p className="figure-name">{name}</p>
          </div>
        ))}
      </div>
      <Card title="A year of days" className="card-year">
        <Year id={id} streak={person.current_streak_days} today={today} />
      </Card>
      <Card title="Badges">
        <Earned id={id} />
      </Card>
      <Card title="Projects">
        <Contributions profile={person} />
      </Card>
      <Card title="Timeline">
        <Recent id={id} zone={zone} today={today} />
      </Card>
    </Page>
  );
}
