// What a list shows when it has nothing to show: it loads, it is empty, it
// could not be read.

import { useEffect, useRef, type ReactNode } from "react";
import { inWords, Problem, Unreachable } from "../api/problem";
import { Button } from "./basics";
import { Icon, type IconName } from "./icons";

/** Grey lines of the height of what comes. */
export function Skeleton({ rows = 4, kind = "row" }: { rows?: number; kind?: "row" | "card" | "line" | "chart" }) {
  return (
    <div className={`skeletons skeletons-${kind}`} role="status">
      <span className="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} className={`skeleton skeleton-${kind}`} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <p className="empty-title">{title}</p>
      {children && <div className="empty-text">{children}</div>}
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const said = error instanceof Unreachable ? "The server cannot be reached." : error instanceof Problem && error.status === 404 ? "There is nothing here, or it is not for you to see." : inWords(error);
  return (
    <div className="empty" role="alert">
      <span className="empty-icon empty-icon-bad">
        <Icon name="warning" size={28} />
      </span>
      <p className="empty-title">{said}</p>
      {retry && (
        <div className="empty-text">
          <Button onClick={retry}>Try again</Button>
        </div>
      )}
    </div>
  );
}

interface LoadedProps<T> {
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  loading?: ReactNode;
  empty?: ReactNode;
  children: (data: NonNullable<T>) => ReactNode;
}

/** The data once it is there. What was read before stays when reading anew fails. */
export function Loaded<T>({ query, loading = <Skeleton />, empty, children }: LoadedProps<T>) {
  if (query.data !== undefined && query.data !== null) {
    if (empty !== undefined && Array.isArray(query.data) && query.data.length === 0) return <>{empty}</>;
    return <>{children(query.data)}</>;
  }
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <>{loading}</>;
  return <>{empty}</>;
}

interface PagesProps<T> {
  query: {
    data: { pages: { rows: T[] }[] } | undefined;
    error: unknown;
    hasNextPage: boolean;
    isFetching: boolean;
    isFetchingNextPage: boolean;
    isFetchNextPageError: boolean;
    fetchNextPage: () => unknown;
    refetch: () => unknown;
  };
  loading?: ReactNode;
  empty: ReactNode;
  children: (rows: T[]) => ReactNode;
}

/** All pages read so far, and more as the end comes into sight. */
export function Pages<T>({ query, loading = <Skeleton />, empty, children }: PagesProps<T>) {
  const { hasNextPage, isFetching, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  const rows = query.data?.pages.flatMap((one) => one.rows);
  if (rows === undefined) return query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : <>{loading}</>;
  if (rows.length === 0) return <>{empty}</>;
  return (
    <>
      {children(rows)}
      {hasNextPage && <More after={rows.length} reading={isFetching} busy={isFetchingNextPage} failed={isFetchNextPageError} load={() => void fetchNextPage()} />}
    </>
  );
}

function More({ after, reading, busy, failed, load }: { after: number; reading: boolean; busy: boolean; failed: boolean; load: () => void }) {
  const sentinel = useRef<HTMLDivElement>(null);
  const latest = useRef(load);
  latest.current = load;
  // News that have all pages read again put an end to what was asked for: it is asked for again after them.
  const idle = !reading && !failed;
  // Looked for anew after every page: one that comes at once is never seen as busy, and the end may still be in sight.
  useEffect(() => {
    if (!idle || sentinel.current === null) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: "400px" });
    observer.observe(sentinel.current);
    return () => observer.disconnect();
  }, [idle, after]);
  return (
    <div ref={sentinel} className="more">
      {failed && <p className="field-note">More could not be read.</p>}
      <Button look="quiet" busy={busy} onClick={load}>
        {busy ? "Loading more" : "Load more"}
      </Button>
    </div>
  );
}
