// Rows of a leaderboard, which glide to their new places when these change.

import { useLayoutEffect, useRef } from "react";
import { Link } from "wouter";
import type { BoardRow } from "../api/types";
import { duration } from "../lib/time";
import { Avatar } from "./basics";

const GLIDES = 450;

/** Let the children of a list with data-key glide from where they were before. */
function useGlide(order: string) {
  const list = useRef<HTMLOListElement>(null);
  const places = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const now = new Map<string, number>();
    for (const row of list.current!.children as HTMLCollectionOf<HTMLElement>) {
      const key = row.dataset.key!;
      now.set(key, row.offsetTop);
      const before = places.current.get(key);
      if (before === undefined || before === row.offsetTop || still) continue;
      row.animate([{ transform: `translateY(${before - row.offsetTop}px)` }, { transform: "none" }], { duration: GLIDES, easing: "cubic-bezier(.2,.8,.2,1)" });
    }
    places.current = now;
  }, [order]);
  return list;
}

export function score(row: BoardRow, metric: "time" | "badges"): string {
  return metric === "time" ? duration(row.score) : `${row.score} ${row.score === 1 ? "badge" : "badges"}`;
}

export function Board({ rows, metric, viewerId }: { rows: BoardRow[]; metric: "time" | "badges"; viewerId: number }) {
  const list = useGlide(rows.map(({ user_id }) => user_id).join());
  const most = Math.max(1, ...rows.map((row) => row.score));
  return (
    <ol ref={list} className="board">
      {rows.map((row) => {
        const mine = row.user_id === viewerId;
        return (
          <li key={row.user_id} data-key={row.user_id} className={mine ? "board-row board-mine" : "board-row"} aria-current={mine ? "true" : undefined}>
            <span className={row.rank <= 3 ? `rank rank-${row.rank}` : "rank"}>
              <span className="sr-only">Rank </span>
              {row.rank}
            </span>
            <Avatar id={row.user_id} name={row.username} url={row.avatar_url} />
            <Link className="board-name" href={`/app/people/${row.user_id}`}>
              <span className="two-lines" title={row.username}>
                {row.username}
              </span>
              {mine && <span className="tag">you</span>}
            </Link>
            <span className="board-score">{score(row, metric)}</span>
            <span className="board-bar" aria-hidden="true">
              <span style={{ width: `${(row.score / most) * 100}%` }} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}
