// Own projects, and public ones to find and join.

import { useDeferredValue, useState } from "react";
import { Link, useLocation } from "wouter";
import { useMyProjects, usePublicProjects } from "../api/queries";
import type { Project } from "../api/types";
import { Button, Field, hueOf, Page, Segments } from "../ui/basics";
import { Icon } from "../ui/icons";
import { ProjectDialog } from "../ui/project-dialog";
import { Empty, Loaded, Pages, Skeleton } from "../ui/states";

type Shown = "mine" | "archived" | "public";

const TABS = [
  ["mine", "Mine"],
  ["archived", "Archived"],
  ["public", "Discover"],
] as const;

function ProjectCard({ project }: { project: Project }) {
  const isPublic = project.visibility === "public";
  return (
    <li>
      <Link href={`/app/projects/${project.project_id}`} className={`project-card ${hueOf(project.project_id)}`}>
        <span className="project-name">{project.name}</span>
        <span className="project-about">{project.description || "No description."}</span>
        <span className="project-facts">
          <Icon name={isPublic ? "globe" : "lock"} size={16} />
          {isPublic ? "Public" : "Private"}
          {project.role && <span className="tag">{project.role}</span>}
          {project.archived && <span className="tag">archived</span>}
        </span>
      </Link>
    </li>
  );
}

/** So many are found by looking. */
const FEW = 12;

function Mine({ archived, onCreate }: { archived: boolean; onCreate: () => void }) {
  const projects = useMyProjects();
  const [words, setWords] = useState("");
  const wanted = useDeferredValue(words.trim().toLowerCase());
  return (
    <Loaded query={projects} loading={<Skeleton kind="card" rows={4} />}>
      {(rows) => {
        const shown = rows.filter((project) => project.archived === archived);
        if (shown.length === 0)
          return archived ? (
            <Empty icon="archive" title="No archived projects." />
          ) : (
            <Empty icon="projects" title="No projects yet.">
              <Button look="main" icon="plus" onClick={onCreate}>
                Create your first project
              </Button>
            </Empty>
          );
        const found = shown.filter(({ name }) => name.toLowerCase().includes(wanted));
        return (
          <>
            {shown.length > FEW && (
              <div className="search">
                <Field label="Search your projects" labelHidden type="search" placeholder="Search your projects" value={words} onChange={setWords} />
              </div>
            )}
            {found.length === 0 && <Empty icon="search" title="No project of yours has that in its name." />}
            <ul className="project-grid">
              {found.map((project) => (
                <ProjectCard key={project.project_id} project={project} />
              ))}
            </ul>
          </>
        );
      }}
    </Loaded>
  );
}

function Discover() {
  const [words, setWords] = useState("");
  const found = usePublicProjects(useDeferredValue(words.trim()));
  return (
    <>
      <div className="search">
        <Field label="Search public projects" labelHidden type="search" placeholder="Search public projects" value={words} onChange={setWords} />
      </div>
      <Pages query={found} loading={<Skeleton kind="card" rows={6} />} empty={<Empty icon="search" title={words ? "No public project has that in its name." : "There are no public projects yet."} />}>
        {(rows) => (
          <ul className="project-grid">
            {rows.map((project) => (
              <ProjectCard key={project.project_id} project={project} />
            ))}
          </ul>
        )}
      </Pages>
    </>
  );
}

export default function ProjectsPage() {
  const [shown, setShown] = useState<Shown>("mine");
  const [creating, setCreating] = useState(false);
  const [, go] = useLocation();
  return (
    <Page
      title="Projects"
      actions={
        <Button look="main" icon="plus" onClick={() => setCreating(true)}>
          New project
        </Button>
      }
    >
      <div className="toolbar">
        <Segments label="Which projects" value={shown} options={TABS} onChange={setShown} />
      </div>
      {shown === "public" ? <Discover /> : <Mine archived={shown === "archived"} onCreate={() => setCreating(true)} />}
      {creating && <ProjectDialog project={null} onClose={() => setCreating(false)} onCreated={(id) => go(`/app/projects/${id}`)} />}
    </Page>
  );
}
