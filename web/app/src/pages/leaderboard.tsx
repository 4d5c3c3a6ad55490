// The boards: by period, by metric, of one project, or the neighbourhood of
// one's own place; they move as people work.

import { useState } from "react";
import { useLocation } from "wouter";
import { useBoard, useBoardAround } from "../api/queries";
import type { Period } from "../api/types";
import { Card, Page, Segments, Select } from "../ui/basics";
import { Board } from "../ui/board";
import { PeopleSearch } from "../ui/people-search";
import { useProjects } from "../ui/projects";
import { Empty, Loaded, Pages, Skeleton } from "../ui/states";

const PERIODS = [
  ["day", "Today"],
  ["week", "Week"],
  ["month", "Month"],
  ["all", "All time"],
] as const;
const METRICS = [
  ["time", "Time"],
  ["badges", "Badges"],
] as const;
const VIEWS = [
  ["top", "Top"],
  ["around", "Around me"],
] as const;

function FindSomebody() {
  const [words, setWords] = useState("");
  const [, go] = useLocation();
  return <PeopleSearch label="Find somebody" labelHidden placeholder="Find somebody" value={words} onChange={setWords} onChoose={({ user_id }) => go(`/app/people/${user_id}`)} />;
}

export default function LeaderboardPage({ userId }: { userId: number }) {
  const projects = useProjects();
  const [chosenPeriod, setPeriod] = useState<Period>("week");
  const [metric, setMetric] = useState<"time" | "badges">("time");
  const [view, setView] = useState<"top" | "around">("top");
  const [project, setProject] = useState("");
  const projectId = project === "" ? null : Number(project);
  // Badges, and the time on a project, are counted over all time only.
  const ofAllTime = metric === "badges" || projectId !== null;
  const period = ofAllTime ? "all" : chosenPeriod;
  const isAround = view === "around" && projectId === null;
  const board = useBoard({ period, metric: projectId === null ? metric : "time", projectId });
  const around = useBoardAround(userId, period, metric, isAround);
  const loading = <Skeleton rows={8} />;
  return (
    <Page title="Leaderboard" intro="Everybody who is listed, by what they tracked or earned. It moves by itself." actions={<FindSomebody />}>
      <div className="toolbar">
        {projectId === null && <Segments label="What counts" value={metric} options={METRICS} onChange={setMetric} />}
        {projectId === null && <Segments label="Which places" value={view} options={VIEWS} onChange={setView} />}
        {!ofAllTime && <Segments label="Period" value={chosenPeriod} options={PERIODS} onChange={setPeriod} />}
        <Select label="Project" labelHidden value={project} onChange={setProject}>
          <option value="">All projects</option>
          {projects.open.map(({ project_id, name }) => (
            <option key={project_id} value={project_id}>
              {name}
            </option>
          ))}
        </Select>
      </div>
      <Card>
        {isAround ? (
          <Loaded query={around} loading={loading} empty={<Empty icon="board" title="You are not on this board yet.">Track some time, and be listed in the settings.</Empty>}>
            {(rows) => <Board rows={rows} metric={metric} viewerId={userId} />}
          </Loaded>
        ) : (
          <Pages query={board} loading={loading} empty={<Empty icon="board" title="Nobody is on this board yet." />}>
            {(rows) => <Board rows={rows} metric={projectId === null ? metric : "time"} viewerId={userId} />}
          </Pages>
        )}
      </Card>
    </Page>
  );
}
