// Badges: those earned, and how near the others are, nearest first.

import { useState } from "react";
import { useBadges, useEarned, useProgress } from "../api/queries";
import type { Badge, EarnedBadge, Progress } from "../api/types";
import { useZone } from "../api/zone";
import { COMPARISONS, counted, isSeconds, METRICS, shown } from "../lib/criteria";
import { dayOf, duration, fullDay } from "../lib/time";
import { BadgePicture } from "../ui/badge-picture";
import { Button, Page } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { Ring } from "../ui/ring";
import { Empty, Loaded, Skeleton } from "../ui/states";

type Left = Progress["remaining"][number];

/** "8 h 20 min of 10 h on one project" */
function stillTo(left: Left): string {
  const { label, unit } = METRICS[left.metric];
  const text = (number: number) => (isSeconds(left.metric) ? duration(number) : `${shown(left.metric, number)}`);
  const window = left.last_days === undefined ? "" : `, last ${left.last_days} days`;
  if (left.compare === "gte" || left.compare === "gt" || left.compare === "eq") return `${label}${window}: ${text(left.have)} of ${isSeconds(left.metric) ? text(left.need) : counted(left.need, unit)}`;
  const compare = left.compare === "ne" ? "not" : COMPARISONS[left.compare];
  return `${label}${window}: ${text(left.have)}, must be ${compare} ${text(left.need)}`;
}

function Details({ badge, earned, progress, zone, onClose }: { badge: Badge; earned?: EarnedBadge; progress?: Progress; zone: string; onClose: () => void }) {
  return (
    <Dialog title={badge.name} onClose={onClose}>
      <div className="badge-details">
        {earned ? (
          <BadgePicture name={badge.name} tier={badge.tier} url={badge.image_url} size={120} />
        ) : (
          <Ring fraction={progress?.fraction ?? 0}>
            <BadgePicture name={badge.name} tier={badge.tier} url={badge.image_url} size={92} dimmed />
          </Ring>
        )}
        <p>{badge.description}</p>
        <p className="badge-facts">
          <span className={`tag tier-${badge.tier}`}>{badge.tier}</span>
          {badge.earned_by === 0 ? "Nobody has it yet" : `${badge.earned_by.toLocaleString("en")} ${badge.earned_by === 1 ? "person has" : "people have"} it`}
        </p>
        {earned && <p className="badge-facts">Yours since {fullDay(dayOf(Date.parse(earned.awarded_at), zone))}</p>}
        {!earned && progress && (
          <ul className="badge-left">
            {progress.remaining.length === 0 ? <li>It comes with your next entry.</li> : progress.remaining.map((left, index) => <li key={index}>{stillTo(left)}</li>)}
          </ul>
        )}
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

export default function BadgesPage({ userId }: { userId: number }) {
  const badges = useBadges();
  const earned = useEarned(userId);
  const progress = useProgress(userId);
  const zone = useZone();
  const [opened, setOpened] = useState<number | null>(null);
  const mine = new Map(earned.data?.map((one) => [one.badge_id, one]));
  const near = new Map(progress.data?.map((one) => [one.badge_id, one]));
  const query = {
    data: earned.data && progress.data ? badges.data : undefined,
    error: badges.error ?? earned.error ?? progress.error,
    isPending: true,
    refetch: () => Promise.all([badges.refetch(), earned.refetch(), progress.refetch()]),
  };
  return (
    <Page title="Badges" intro={badges.data && earned.data ? `${badges.data.filter(({ badge_id }) => mine.has(badge_id)).length} of ${badges.data.length} earned.` : "\u00a0"}>
      <Loaded query={query} loading={<Skeleton kind="card" rows={8} />} empty={<Empty icon="badges" title="There are no badges to earn." />}>
        {(all) => {
          const got = all.filter(({ badge_id }) => mine.has(badge_id)).sort((a, b) => (mine.get(a.badge_id)!.awarded_at < mine.get(b.badge_id)!.awarded_at ? 1 : -1));
          const left = all.filter(({ badge_id }) => !mine.has(badge_id)).sort((a, b) => (near.get(b.badge_id)?.fraction ?? 0) - (near.get(a.badge_id)?.fraction ?? 0));
          const badge = all.find(({ badge_id }) => badge_id === opened);
          return (
            <>
              {left.length > 0 && (
                <section aria-labelledby="badges-left">
                  <h2 id="badges-left" className="section-title">
                    To earn, nearest first
                  </h2>
                  <ul className="badge-grid">
                    {left.map((one) => {
                      const fraction = near.get(one.badge_id)?.fraction ?? 0;
                      const first = near.get(one.badge_id)?.remaining[0];
                      return (
                        <li key={one.badge_id}>
                          <button type="button" className="badge-card" onClick={() => setOpened(one.badge_id)}>
                            <Ring fraction={fraction}>
                              <BadgePicture name={one.name} tier={one.tier} url={one.image_url} size={64} dimmed />
                            </Ring>
                            <span className="badge-name">{one.name}</span>
                            <span className="badge-about">{first ? stillTo(first) : one.description}</span>
                          </button>
                        </li>
                      );
                    })}
                  </ul>
                </section>
              )}
              <section aria-labelledby="badges-earned">
                <h2 id="badges-earned" className="section-title">
                  Earned
                </h2>
                {got.length === 0 ? (
                  <Empty icon="badges" title="None yet. The first comes with your first entry." />
                ) : (
                  <ul className="badge-grid">
                    {got.map((one) => (
                      <li key={one.badge_id}>
                        <button type="button" className="badge-card" onClick={() => setOpened(one.badge_id)}>
                          <span className="ring">
                            <BadgePicture name={one.name} tier={one.tier} url={one.image_url} size={84} />
                          </span>
                          <span className="badge-name">{one.name}</span>
                          <span className="badge-about">{fullDay(dayOf(Date.parse(mine.get(one.badge_id)!.awarded_at), zone))}</span>
                        </button>
                      </li>
                    ))}
                  </ul>
                )}
              </section>
              {badge && <Details badge={badge} earned={mine.get(badge.badge_id)} progress={near.get(badge.badge_id)} zone={zone} onClose={() => setOpened(null)} />}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}
