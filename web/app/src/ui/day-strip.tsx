// A day as a strip: its entries as blocks, whose edges can be dragged, or
// focused and moved with the arrow keys.

import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import type { Entry } from "../api/types";
import { dragEdge, FINE_STEP, fractionOf, instantAtFraction, lanesOf, nudgeEdge, roomOf, STEP, type Edge, type Limits, type Span } from "../lib/drag";
import { clock, duration, endOfDay, hoursOf, startOfDay } from "../lib/time";
import { hueOf } from "./basics";
import { nameOf, type Projects } from "./projects";

const HOUR = 3600_000;
const LABEL_ROOM = 52;
const KEY_STEPS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6 };
/** A key may be pressed many times before what it did is sent. */
const SETTLES = 700;

function spanOf(entry: Entry, now: number): Span {
  const start = Date.parse(entry.start_time);
  return { start, end: entry.end_time === null ? Math.max(now, start + 1000) : Date.parse(entry.end_time) };
}

/** The part of the day to show: the working day, and whatever lies around it. */
function viewOf(day: string, zone: string, spans: Span[], now: number): Span {
  const whole = { start: startOfDay(day, zone), end: endOfDay(day, zone) };
  const first = Math.min(whole.start + 8 * HOUR, ...spans.map(({ start }) => start - HOUR / 4));
  const isToday = now >= whole.start && now < whole.end;
  const last = Math.max(whole.start + 18 * HOUR, isToday ? now + HOUR / 2 : 0, ...spans.map(({ end }) => end + HOUR / 4));
  return { start: Math.max(whole.start, whole.start + Math.floor((first - whole.start) / HOUR) * HOUR), end: Math.min(whole.end, whole.start + Math.ceil((last - whole.start) / HOUR) * HOUR) };
}

function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return [element, width] as const;
}

interface BlockProps {
  entry: Entry;
  span: Span;
  view: Span;
  lane: number;
  lanes: number;
  limits: Limits;
  zone: string;
  name: string;
  strip: () => DOMRect;
  onMove: (span: Span | null) => void;
  onDone: (span: Span) => void;
  onOpen: () => void;
}

function Block({ entry, span, view, lane, lanes, limits, zone, name, strip, onMove, onDone, onOpen }: BlockProps) {
  const dragged = useRef<{ edge: Edge; grip: number; from: Span; to: Span } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<Span | null>(null);
  const edges: Edge[] = entry.end_time === null ? ["start"] : ["start", "end"];
  const left = fractionOf(span.start, view);
  const right = fractionOf(span.end, view);

  const settle = () => {
    clearTimeout(timer.current);
    if (pending.current !== null) onDone(pending.current);
    pending.current = null;
  };
  useEffect(() => () => clearTimeout(timer.current), []);

  const grab = (edge: Edge) => (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    settle();
    event.currentTarget.setPointerCapture(event.pointerId);
    const area = strip();
    const grip = event.clientX - area.left - fractionOf(span[edge], view) * area.width;
    dragged.current = { edge, grip, from: span, to: span };
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    const held = dragged.current;
    if (held === null) return;
    const area = strip();
    const at = instantAtFraction((event.clientX - held.grip - area.left) / area.width, view);
    held.to = dragEdge(held.from, held.edge, at, limits, event.shiftKey ? FINE_STEP : STEP);
    onMove(held.to);
  };
  const drop = () => {
    const held = dragged.current;
    dragged.current = null;
    if (held !== null) onDone(held.to);
  };
  const cancel = () => {
    dragged.current = null;
    clearTimeout(timer.current);
    pending.current = null;
    onMove(null);
  };
  const press = (edge: Edge) => (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "Escape") return cancel();
    const steps = KEY_STEPS[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    pending.current = nudgeEdge(span, edge, steps, limits, event.shiftKey ? FINE_STEP : STEP);
    onMove(pending.current);
    clearTimeout(timer.current);
    timer.current = setTimeout(settle, SETTLES);
  };

  const times = `${clock(span.start, zone)} to ${entry.end_time === null ? "now" : clock(span.end, zone)}`;
  const minutes = (instant: number) => Math.round((instant - limits.day.start) / 60_000);
  return (
    <div
      className={`block ${hueOf(entry.project_id)}${entry.end_time === null ? " block-running" : ""}${entry.flagged ? " block-flagged" : ""}`}
      style={{ left: `${left * 100}%`, width: `${(right - left) * 100}%`, top: `${(lane / lanes) * 100}%`, height: `${100 / lanes}%` }}
    >
      <button type="button" className="block-body" title={`${name}, ${times}`} aria-label={`${name}, ${times}, ${duration((span.end - span.start) / 1000)}: edit`} onClick={onOpen}>
        <span className="block-name">{name}</span>
        <span className="block-times">{times}</span>
      </button>
      {edges.map((edge) => {
        const room = roomOf(span, edge, limits);
        return (
          <span
            key={edge}
            role="slider"
            tabIndex={0}
            className={`edge edge-${edge}`}
            aria-label={`${edge === "start" ? "Start" : "End"} of ${name}`}
            aria-valuemin={minutes(Math.min(room.start, span[edge]))}
            aria-valuemax={minutes(Math.max(room.end, span[edge]))}
            aria-valuenow={minutes(span[edge])}
            aria-valuetext={clock(span[edge], zone)}
            onPointerDown={grab(edge)}
            onPointerMove={drag}
            onPointerUp={drop}
            onPointerCancel={cancel}
            onKeyDown={press(edge)}
            onBlur={settle}
          />
        );
      })}
    </div>
  );
}

interface DayStripProps {
  entries: Entry[];
  day: string;
  zone: string;
  now: number;
  projects: Projects;
  onDrag: (entry: Entry, span: Span) => void;
  onOpen: (entry: Entry) => void;
}

export function DayStrip({ entries, day, zone, now, projects, onDrag, onOpen }: DayStripProps) {
  const [strip, width] = useWidth();
  const [moved, setMoved] = useState<{ id: number; span: Span } | null>(null);
  const whole = useMemo(() => ({ start: startOfDay(day, zone), end: endOfDay(day, zone) }), [day, zone]);
  const kept = entries.map((entry) => spanOf(entry, now));
  const spans = entries.map((entry, index) => (moved?.id === entry.entry_id ? moved.span : kept[index]!));
  // What is shown stays put while an edge is held.
  const view = viewOf(day, zone, kept, now);
  const lanes = lanesOf(spans);
  const laneCount = Math.max(1, ...lanes.map((lane) => lane + 1));
  const hours = hoursOf(day, zone).filter(({ instant }) => instant >= view.start && instant < view.end);
  const every = [1, 2, 3, 6].find((step) => (hours.length / step) * LABEL_ROOM <= width) ?? 12;

  return (
    <div className="strip">
      <div ref={strip} className="strip-area">
        {hours.map(({ instant }) => (
          <span key={instant} className="strip-line" style={{ left: `${fractionOf(instant, view) * 100}%` }} />
        ))}
        {entries.map((entry, index) => (
          <Block
            key={entry.entry_id}
            entry={entry}
            span={spans[index]!}
            view={view}
            lane={lanes[index]!}
            lanes={laneCount}
            limits={{ others: kept.filter((_, other) => other !== index), now, day: whole }}
            zone={zone}
            name={nameOf(projects, entry.project_id)}
            strip={() => strip.current!.getBoundingClientRect()}
            onMove={(span) => setMoved(span && { id: entry.entry_id, span })}
            onDone={(span) => {
              setMoved(null);
              onDrag(entry, span);
            }}
            onOpen={() => onOpen(entry)}
          />
        ))}
        {now >= view.start && now < view.end && <span className="strip-now" style={{ left: `${fractionOf(now, view) * 100}%` }} />}
      </div>
      <div className="strip-hours" aria-hidden="true">
        {hours.map(({ instant, hour }, index) =>
          index % every === 0 ? (
            <span key={instant} style={{ left: `${fractionOf(instant, view) * 100}%` }}>
              {String(hour).padStart(2, "0")}
            </span>
          ) : null,
        )}
      </div>
    </div>
  );
}
