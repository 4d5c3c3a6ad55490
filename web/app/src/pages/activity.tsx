// Where the time went: a year of days, weeks as bars, and projects by time.

import { lazy, Suspense, useMemo, useState } from "react";
import { useDays, useMe, useReport } from "../api/queries";
import { useZone } from "../api/zone";
import { longestRun } from "../lib/streak";
import { mondayOf, weeksOf } from "../lib/calendar";
import { addDays, dayOf, duration, shortDay } from "../lib/time";
import { Card, hueOf, Page, Segments } from "../ui/basics";
import { Heatmap } from "../ui/heatmap";
import { useNow } from "../ui/now";
import { Empty, Loaded, Skeleton } from "../ui/states";

const WeekBars = lazy(() => import("../ui/week-bars"));

const WEEKS = 26;
const SPANS = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "Year"],
] as const;

function Breakdown({ from, to }: { from: string; to: string }) {
  const report = useReport(["project"], from, to);
  return (
    <Loaded query={report} loading={<Skeleton rows={4} kind="line" />} empty={<Empty icon="activity" title="Nothing tracked in this time." />}>
      {(rows) => {
        const total = rows.reduce((sum, row) => sum + row.seconds, 0);
        return (
          <ul className="shares">
            {rows.map((row) => (
              <li key={row.project_id ?? 0} className={`share ${hueOf(row.project_id ?? 0)}`}>
                <span className="share-name">{row.project ?? "Projects you are no member of"}</span>
                <span className="share-time">
                  {duration(row.seconds)} <span className="share-part">{Math.round((row.seconds / total) * 100)} %</span>
                </span>
                <span className="share-bar" aria-hidden="true">
                  <span style={{ width: `${(row.seconds / total) * 100}%` }} />
                </span>
              </li>
            ))}
          </ul>
        );
      }}
    </Loaded>
  );
}

export default function ActivityPage({ userId }: { userId: number }) {
  const me = useMe();
  const zone = useZone();
  const today = dayOf(useNow(60_000), zone);
  const from = addDays(today, -364);
  const days = useDays(userId, from, today);
  const [span, setSpan] = useState<(typeof SPANS)[number][0]>("30");
  const weeks = useMemo(() => weeksOf(addDays(mondayOf(today), -7 * (WEEKS - 1)), today, days.data ?? []), [days.data, today]);
  const run = useMemo(() => longestRun(days.data ?? []), [days.data]);
  const thisWeek = weeks.at(-1)?.seconds ?? 0;
  const best = [...(days.data ?? [])].sort((a, b) => b.seconds - a.seconds)[0];
  return (
    <Page title="Activity">
      <div className="figures">
        <div className="figure">
          <p className="figure-number">{days.data ? duration(thisWeek) : "–"}</p>
          <p className="figure-name">this week</p>
        </div>
        <div className="figure">
          <p className="figure-number">{best ? duration(best.seconds) : "–"}</p>
          <p className="figure-name">{best ? `best day, ${shortDay(best.day)}` : "best day"}</p>
        </div>
        <div className="figure">
          <p className="figure-number">{run ? run.length : "–"}</p>
          <p className="figure-name">{run?.length === 1 ? "day" : "days"}, longest run</p>
        </div>
      </div>
      <Card title="A year of days" className="card-year">
        <Loaded query={days} loading={<Skeleton kind="chart" rows={1} />}>
          {(rows) => <Heatmap days={rows} from={from} to={today} streak={me.data?.current_streak_days ?? 0} />}
        </Loaded>
      </Card>
      <Card title="Weeks" className="card-weeks">
        <Loaded query={days} loading={<Skeleton kind="chart" rows={1} />}>
          {() =>
            weeks.every(({ seconds }) => seconds === 0) ? (
              <Empty icon="activity" title="Nothing tracked in half a year." />
            ) : (
              <Suspense fallback={<Skeleton kind="chart" rows={1} />}>
                <WeekBars weeks={weeks} />
              </Suspense>
            )
          }
        </Loaded>
      </Card>
      <Card title="Projects" actions={<Segments label="Span of time" value={span} options={SPANS} onChange={setSpan} />}>
        <Breakdown from={addDays(today, 1 - Number(span))} to={today} />
      </Card>
    </Page>
  );
}
