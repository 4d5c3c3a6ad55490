// A day: how much of it is tracked, its strip, and its entries; today first.

import { useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useCurrent, useEntriesOf, useMe } from "../api/queries";
import { serverNow } from "../api/send";
import type { Entry } from "../api/types";
import { useEntryWrites, useTimer } from "../api/writes";
import { inWords } from "../api/problem";
import { useZone } from "../api/zone";
import type { Span } from "../lib/drag";
import { addDays, clock, dayOf, duration, endOfDay, relativeDay, startOfDay } from "../lib/time";
import { Button, Card, IconButton, Page, ProjectDot } from "../ui/basics";
import { DayStrip } from "../ui/day-strip";
import { EntryDialog } from "../ui/entry-dialog";
import { Icon } from "../ui/icons";
import { useNow } from "../ui/now";
import { nameOf, used, useProjects, type Projects } from "../ui/projects";
import { useShortcut } from "../ui/shortcuts";
import { Empty, Loaded, Skeleton } from "../ui/states";
import { tell } from "../ui/toasts";

const EARLIEST = "1970-01-01";

/** Seconds of an entry within a day; what is flagged counts nothing. */
function secondsWithin(entry: Entry, day: Span, now: number): number {
  if (entry.flagged) return 0;
  const start = Math.max(Date.parse(entry.start_time), day.start);
  const end = Math.min(entry.end_time === null ? now : Date.parse(entry.end_time), day.end);
  return Math.max(0, (end - start) / 1000);
}

function EntryRow({ entry, zone, now, projects, onEdit, onAgain }: { entry: Entry; zone: string; now: number; projects: Projects; onEdit: () => void; onAgain: (() => void) | null }) {
  const start = Date.parse(entry.start_time);
  const end = entry.end_time === null ? null : Date.parse(entry.end_time);
  const name = nameOf(projects, entry.project_id);
  return (
    <li className="entry">
      <ProjectDot id={entry.project_id} />
      <div className="entry-what">
        <p className="entry-name">
          <span className="entry-title">{name}</span>
          {entry.flagged && <span className="tag tag-bad">too long: counts nothing until corrected</span>}
        </p>
        <p className="entry-note">
          {entry.note && <span className="entry-text">{entry.note}</span>}
          {entry.tags.map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
        </p>
      </div>
      <p className="entry-when">
        {clock(start, zone)}
        <span aria-hidden="true"> – </span>
        <span className="sr-only"> to </span>
        {end === null ? "now" : clock(end, zone)}
      </p>
      <p className="entry-long">{duration(((end ?? now) - start) / 1000)}</p>
      <div className="entry-acts">
        {onAgain && <IconButton label={`Start ${name} again`} icon="play" onClick={onAgain} />}
        <IconButton label={`Edit ${name}, ${clock(start, zone)}`} icon="pencil" onClick={onEdit} />
      </div>
    </li>
  );
}

/** The projects used last, each a key or a touch away. */
function QuickStart({ projects, runningId, onStart }: { projects: Projects; runningId: number | undefined; onStart: (projectId: number) => void }) {
  // The row is there from the start, so that nothing moves when it fills.
  if (projects.open.length === 0)
    return (
      <p className="quick">
        {projects.loaded && (
          <Link className="quick-button" href="/app/projects">
            <Icon name="plus" size={16} />
            New project
          </Link>
        )}
      </p>
    );
  return (
    <ul className="quick" aria-label="Start or switch to">
      {projects.open.slice(0, 9).map(({ project_id, name }, index) => (
        <li key={project_id}>
          <button type="button" className="quick-button" aria-pressed={project_id === runningId} aria-keyshortcuts={String(index + 1)} onClick={() => onStart(project_id)}>
            <kbd>{index + 1}</kbd>
            <ProjectDot id={project_id} />
            <span className="quick-name">{name}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A day back or forth, or any other from the browser's calendar. */
function DayStepper({ day, today, onChange }: { day: string; today: string; onChange: (day: string) => void }) {
  const calendar = useRef<HTMLInputElement>(null);
  return (
    <div className="stepper">
      <IconButton label="Day before" icon="left" onClick={() => onChange(addDays(day, -1))} />
      <span className="stepper-day">
        <IconButton label="Choose a day" icon="calendar" onClick={() => calendar.current!.showPicker()} />
        <input ref={calendar} className="sr-only" type="date" aria-label="Day shown" tabIndex={-1} min={EARLIEST} max={today} value={day} onChange={({ target }) => target.value >= EARLIEST && target.value <= today && onChange(target.value)} />
      </span>
      <IconButton label="Day after" icon="right" disabled={day >= today} onClick={() => onChange(addDays(day, 1))} />
    </div>
  );
}

export function TodayPage({ userId }: { userId: number }) {
  const me = useMe();
  const zone = useZone();
  const [chosen, setChosen] = useState<string | null>(null);
  const minute = useNow(60_000);
  const today = dayOf(minute, zone);
  const day = chosen ?? today;
  const bounds = useMemo(() => ({ start: startOfDay(day, zone), end: endOfDay(day, zone) }), [day, zone]);
  const entries = useEntriesOf(day, zone);
  const projects = useProjects();
  const { start } = useTimer(userId);
  const current = useCurrent().data;
  const { change } = useEntryWrites(userId);
  const [edited, setEdited] = useState<Entry | "new" | null>(null);
  const runs = entries.data?.some(({ end_time }) => end_time === null) ?? false;
  const now = useNow(runs ? 1000 : 60_000);
  const total = (entries.data ?? []).reduce((sum, entry) => sum + secondsWithin(entry, bounds, now), 0);

  const show = (other: string) => setChosen(other === today ? null : other);
  const begin = (projectId: number, note?: string) => {
    if (current?.project_id === projectId) return;
    used(projectId);
    start.mutate({ projectId, note });
  };

  useShortcut((key) => {
    if (key !== "n" && key !== "N") return false;
    setEdited("new");
    return true;
  });

  const drag = (entry: Entry, span: Span) => {
    const fields = {
      ...(span.start !== Date.parse(entry.start_time) && { start_time: new Date(span.start).toISOString() }),
      ...(entry.end_time !== null && span.end !== Date.parse(entry.end_time) && { end_time: new Date(span.end).toISOString() }),
    };
    if (Object.keys(fields).length === 0) return;
    const before = { start_time: entry.start_time, ...(entry.end_time !== null && { end_time: entry.end_time }) };
    change.mutate(
      { entryId: entry.entry_id, fields },
      {
        onSuccess: () =>
          tell(`${nameOf(projects, entry.project_id)}: ${clock(span.start, zone)} to ${entry.end_time === null ? "now" : clock(span.end, zone)}`, "good", {
            label: "Undo",
            run: () => change.mutate({ entryId: entry.entry_id, fields: before }, { onError: (error) => tell(inWords(error), "bad") }),
          }),
        onError: (error) => tell(inWords(error), "bad"),
      },
    );
  };

  const streak = me.data?.current_streak_days ?? 0;
  return (
    <Page
      title={relativeDay(day, today)}
      actions={
        <>
          {day !== today && (
            <Button small look="quiet" onClick={() => show(today)}>
              Today
            </Button>
          )}
          <DayStepper day={day} today={today} onChange={show} />
          <Button icon="plus" aria-keyshortcuts="N" onClick={() => setEdited("new")}>
            Add entry
          </Button>
        </>
      }
    >
      <div className="figures">
        <div className="figure">
          <p className="figure-number">{entries.data ? duration(total) : "–"}</p>
          <p className="figure-name">tracked</p>
        </div>
        <div className="figure">
          <p className="figure-number">{entries.data?.length ?? "–"}</p>
          <p className="figure-name">{entries.data?.length === 1 ? "entry" : "entries"}</p>
        </div>
        <div className="figure">
          <p className={streak > 0 ? "figure-number figure-warm" : "figure-number"}>
            {streak > 0 && <Icon name="flame" size={24} />}
            {me.data ? streak : "–"}
          </p>
          <p className="figure-name">{streak === 1 ? "day" : "days"} in a row</p>
        </div>
      </div>
      <QuickStart projects={projects} runningId={current?.project_id} onStart={begin} />
      <Card title="Day" className="card-strip">
        <DayStrip entries={entries.data ?? []} day={day} zone={zone} now={now} projects={projects} onDrag={drag} onOpen={setEdited} />
      </Card>
      <Card title="Entries">
        <Loaded
          query={entries}
          loading={<Skeleton rows={3} />}
          empty={
            <Empty icon="today" title={day === today ? "Nothing tracked yet today." : "Nothing tracked on this day."}>
              {projects.loaded && projects.open.length === 0 ? (
                <Link className="link" href="/app/projects">
                  Begin with a project
                </Link>
              ) : (
                <p>
                  Press <kbd>T</kbd> to start the timer, or <kbd>N</kbd> to add an entry by hand.
                </p>
              )}
            </Empty>
          }
        >
          {(rows) => (
            <ul className="entries">
              {rows.map((entry) => (
                <EntryRow
                  key={entry.entry_id}
                  entry={entry}
                  zone={zone}
                  now={now}
                  projects={projects}
                  onEdit={() => setEdited(entry)}
                  onAgain={
                    entry.end_time !== null && projects.open.some(({ project_id }) => project_id === entry.project_id)
                      ? () => begin(entry.project_id, entry.note || undefined)
                      : null
                  }
                />
              ))}
            </ul>
          )}
        </Loaded>
      </Card>
      {edited !== null && <EntryDialog entry={edited === "new" ? null : edited} day={day} zone={zone} userId={userId} latest={Math.min(serverNow(), bounds.end)} onClose={() => setEdited(null)} />}
    </Page>
  );
}
