// The timer, on every page: what runs and for how long; one key or button
// starts, switches and stops it.

import { useEffect, useState } from "react";
import { Link } from "wouter";
import { useCurrent } from "../api/queries";
import { useViewer } from "../api/session";
import { useTimer } from "../api/writes";
import { spoken, ticking } from "../lib/time";
import { Button, ProjectDot } from "./basics";
import { useNow } from "./now";
import { nameOf, used, useProjects } from "./projects";
import { useShortcut } from "./shortcuts";
import { setRunningTitle } from "./title";

/** Hours, minutes and seconds since a start. */
export function Ticking({ since }: { since: string }) {
  const now = useNow(1000);
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  useEffect(() => {
    setRunningTitle(ticking(seconds));
    return () => setRunningTitle("");
  }, [Math.floor(seconds)]);
  return (
    <span className="ticking" role="timer" aria-label={spoken(Math.floor(seconds / 60) * 60 || seconds)}>
      {ticking(seconds)}
    </span>
  );
}

export function TimerBar() {
  const userId = useViewer()!.user_id;
  const projects = useProjects();
  const current = useCurrent();
  const { start, stop } = useTimer(userId);
  const [stopAsked, setStopAsked] = useState(false);
  const [chosen, setChosen] = useState<number | null>(null);
  const running = current.data ?? null;
  const offered = projects.open.slice(0, 9);
  const projectId = chosen !== null && projects.open.some(({ project_id }) => project_id === chosen) ? chosen : offered[0]?.project_id;
  const busy = start.isPending || stop.isPending;

  const begin = (id: number | undefined) => {
    if (id === undefined || busy || running?.project_id === id) return;
    used(id);
    setChosen(id);
    start.mutate({ projectId: id });
  };
  // Its number is not known before the answer has come: stopped sooner, it is stopped then.
  const known = running !== null && running.entry_id > 0 && !busy;
  const toggle = () => {
    if (running !== null) setStopAsked(true);
    else if (!busy) begin(projectId);
  };
  useEffect(() => {
    if (!stopAsked) return;
    if (known) stop.mutate(running.entry_id);
    if (known || running === null) setStopAsked(false);
  }, [stopAsked, known, running === null]);

  useShortcut((key) => {
    if (key === "t" || key === "T") toggle();
    else if (/^[1-9]$/.test(key)) begin(offered[Number(key) - 1]?.project_id);
    else return false;
    return true;
  });

  return (
    <section className={running ? "timer timer-running" : "timer"} aria-label="Timer">
      <div className="timer-what">
        <ProjectDot id={running?.project_id ?? projectId ?? 0} />
        {projects.loaded && projects.open.length === 0 && running === null ? (
          <Link href="/app/projects" className="link">
            Create a project
          </Link>
        ) : (
          <>
            <label className="sr-only" htmlFor="timer-project">
              {running ? "Running project: choose another to switch" : "Project to start"}
            </label>
            <select
              id="timer-project"
              className="timer-project"
              value={running?.project_id ?? projectId ?? ""}
              disabled={!projects.loaded}
              onChange={(event) => (running ? begin(Number(event.target.value)) : setChosen(Number(event.target.value)))}
            >
              {running && !projects.open.some(({ project_id }) => project_id === running.project_id) && <option value={running.project_id}>{nameOf(projects, running.project_id)}</option>}
              {projects.open.map(({ project_id, name }) => (
                <option key={project_id} value={project_id}>
                  {name}
                </option>
              ))}
            </select>
          </>
        )}
      </div>
      {running ? <Ticking since={running.start_time} /> : <span className="ticking ticking-idle">0:00:00</span>}
      <Button
        look={running ? "danger" : "main"}
        icon={running ? "stop" : "play"}
        className="timer-button"
        aria-keyshortcuts="T"
        disabled={running === null && projectId === undefined}
        onClick={toggle}
      >
        <span className="timer-button-text">{running ? "Stop" : "Start"}</span>
      </Button>
    </section>
  );
}
