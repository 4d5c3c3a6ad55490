// A year as a calendar of weeks: one square a day, darker with more time.

import { useEffect, useMemo, useRef } from "react";
import type { Day } from "../api/types";
import { columnsOf } from "../lib/calendar";
import { streakDays } from "../lib/streak";
import { duration, fullDay } from "../lib/time";

const NAMES = ["", "Mon", "", "Wed", "", "Fri", "", ""];

export function Heatmap({ days, from, to, streak }: { days: Day[]; from: string; to: string; streak: number }) {
  const area = useRef<HTMLDivElement>(null);
  const { columns, inStreak, total, active } = useMemo(() => {
    const seconds = new Map(days.map((day) => [day.day, day.seconds]));
    const secondsOf = (day: string) => seconds.get(day) ?? 0;
    return {
      columns: columnsOf(from, to, secondsOf),
      inStreak: streakDays(streak, to, secondsOf).days,
      total: days.reduce((sum, day) => sum + day.seconds, 0),
      active: days.filter((day) => day.seconds > 0).length,
    };
  }, [days, from, to, streak]);
  // The present is at the right end.
  useEffect(() => area.current?.scrollTo({ left: area.current.scrollWidth }), [columns.length]);
  return (
    <figure className="heatmap">
      <div ref={area} className="heatmap-scroll" role="img" aria-label={`${duration(total)} on ${active} days from ${fullDay(from)} to ${fullDay(to)}`} tabIndex={0}>
        <div className="heatmap-grid">
          <div className="heatmap-names">
            {NAMES.map((name, index) => (
              <span key={index}>{name}</span>
            ))}
          </div>
          {columns.map(({ monday, month, cells }) => (
            <div key={monday} className="heatmap-week">
              <span className="heatmap-month">{month}</span>
              {cells.map((cell, index) =>
                cell === null ? (
                  <span key={index} className="heatmap-day heatmap-none" />
                ) : (
                  <span key={index} className={`heatmap-day heatmap-${cell.level}${inStreak.has(cell.day) ? " heatmap-streak" : ""}`} title={`${fullDay(cell.day)}: ${cell.seconds > 0 ? duration(cell.seconds) : "nothing"}`} />
                ),
              )}
            </div>
          ))}
        </div>
      </div>
      <figcaption className="heatmap-legend">
        <span>{duration(total)} on {active} {active === 1 ? "day" : "days"}</span>
        {inStreak.size > 0 && (
          <span className="heatmap-key">
            <span className="heatmap-day heatmap-2 heatmap-streak" aria-hidden="true" />
            current streak
          </span>
        )}
        <span className="heatmap-scale" aria-hidden="true">
          <span>less</span>
          {[0, 1, 2, 3, 4].map((level) => (
            <span key={level} className={`heatmap-day heatmap-${level}`} />
          ))}
          <span>more</span>
        </span>
      </figcaption>
    </figure>
  );
}
