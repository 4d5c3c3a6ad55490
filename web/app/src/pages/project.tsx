// One project: what it is, who belongs to it, who spent most time on it, and
// what its members may do with it.

import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "../api/client";
import { useFollow } from "../api/news";
import { keys, useBoard, useProject } from "../api/queries";
import type { ProjectDetails, Role } from "../api/types";
import { useWrite } from "../api/writes";
import { duration } from "../lib/time";
import { Avatar, Button, Card, Page, ProjectDot } from "../ui/basics";
import { Board } from "../ui/board";
import { Confirm } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Members } from "../ui/members";
import { ProjectDialog } from "../ui/project-dialog";
import { ProjectDelete } from "../ui/project-delete";
import { Empty, Loaded, Pages, Skeleton } from "../ui/states";

type Asked = "edit" | "publish" | "delete" | "leave" | null;

function Actions({ project, role, userId, ask }: { project: ProjectDetails; role: Role | null; userId: number; ask: (what: Asked) => void }) {
  const path = { project_id: project.project_id };
  const after = [keys.projects, keys.project(project.project_id)];
  const join = useWrite(() => api.post("/projects/{project_id}/join", { path }), after, "You have joined.");
  const archive = useWrite((archived: boolean) => api.patch("/projects/{project_id}", { path, body: { archived } }), after);
  const isOwner = project.owner_id === userId;
  const mayEdit = isOwner || role === "manager";
  return (
    <>
      {role === null && project.visibility === "public" && !project.archived && (
        <Button look="main" icon="plus" busy={join.isPending} onClick={() => join.mutate(undefined)}>
          Join
        </Button>
      )}
      {mayEdit && (
        <>
          <Button icon="pencil" onClick={() => ask("edit")}>
            Edit
          </Button>
          <Button icon="archive" busy={archive.isPending} onClick={() => archive.mutate(!project.archived)}>
            {project.archived ? "Unarchive" : "Archive"}
          </Button>
        </>
      )}
      {isOwner && (
        <>
          <Button icon={project.visibility === "public" ? "lock" : "globe"} onClick={() => ask("publish")}>
            {project.visibility === "public" ? "Make private" : "Make public"}
          </Button>
          <Button icon="trash" onClick={() => ask("delete")}>
            Delete
          </Button>
        </>
      )}
      {role !== null && !isOwner && (
        <Button icon="leave" onClick={() => ask("leave")}>
          Leave
        </Button>
      )}
    </>
  );
}

function Publish({ project, onClose }: { project: ProjectDetails; onClose: () => void }) {
  const visibility = project.visibility === "public" ? "private" : "public";
  const write = useWrite(
    () => api.put("/projects/{project_id}/visibility", { path: { project_id: project.project_id }, body: { visibility } }),
    [keys.projects, keys.project(project.project_id)],
    onClose,
  );
  return (
    <Confirm title={visibility === "public" ? "Make it public?" : "Make it private?"} action={visibility === "public" ? "Make public" : "Make private"} busy={write.isPending} onConfirm={() => write.mutate(undefined)} onClose={onClose}>
      <p>{visibility === "public" ? "Anybody will see the project, its members and its board, and may join." : "To all but its members the project and everything about it will be gone."}</p>
    </Confirm>
  );
}

function Leave({ project, userId, onClose }: { project: ProjectDetails; userId: number; onClose: () => void }) {
  const [, go] = useLocation();
  const write = useWrite(() => api.delete("/projects/{project_id}/members/{user_id}", { path: { project_id: project.project_id, user_id: userId } }), [keys.projects, keys.project(project.project_id)], () => {
    onClose();
    go("/app/projects");
  });
  return (
    <Confirm title="Leave this project?" action="Leave" busy={write.isPending} onConfirm={() => write.mutate(undefined)} onClose={onClose}>
      <p>Your entries stay yours and go on counting.{project.visibility === "private" && " Nobody but a member can let you in again."}</p>
    </Confirm>
  );
}

function ProjectBoard({ projectId, userId }: { projectId: number; userId: number }) {
  const board = useBoard({ period: "all", metric: "time", projectId });
  return (
    <Pages query={board} loading={<Skeleton rows={4} />} empty={<Empty icon="board" title="Nobody has tracked time here yet." />}>
      {(rows) => <Board rows={rows} metric="time" viewerId={userId} />}
    </Pages>
  );
}

function Details({ project, userId }: { project: ProjectDetails; userId: number }) {
  const [asked, setAsked] = useState<Asked>(null);
  const role = project.members.find(({ user_id }) => user_id === userId)?.role ?? null;
  const owner = project.members.find(({ user_id }) => user_id === project.owner_id);
  const close = () => setAsked(null);
  useFollow(project.project_id);
  return (
    <Page title={project.name} intro={project.description} actions={<Actions project={project} role={role} userId={userId} ask={setAsked} />}>
      <p className="facts">
        <span>
          <ProjectDot id={project.project_id} />
          {duration(project.total_seconds)} in all
        </span>
        <span>
          <Icon name={project.visibility === "public" ? "globe" : "lock"} size={18} />
          {project.visibility === "public" ? "Public" : "Private"}
        </span>
        {project.archived && (
          <span>
            <Icon name="archive" size={18} />
            Archived: no time is tracked any more
          </span>
        )}
        {owner && (
          <span>
            <Avatar id={owner.user_id} name={owner.username} size="small" />
            <Link className="link" href={`/app/people/${owner.user_id}`}>
              {owner.username}
            </Link>
          </span>
        )}
      </p>
      <div className="columns">
        <Card title="Most time">
          <ProjectBoard projectId={project.project_id} userId={userId} />
        </Card>
        <Card title={`Members (${project.members.length})`}>
          <Members project={project} role={role} userId={userId} />
        </Card>
      </div>
      {asked === "edit" && <ProjectDialog project={project} onClose={close} />}
      {asked === "publish" && <Publish project={project} onClose={close} />}
      {asked === "leave" && <Leave project={project} userId={userId} onClose={close} />}
      {asked === "delete" && <ProjectDelete project={project} onClose={close} />}
    </Page>
  );
}

export default function ProjectPage({ id, userId }: { id: number; userId: number }) {
  const project = useProject(id);
  if (project.data) return <Details project={project.data} userId={userId} />;
  return (
    <Page title="Project">
      <Loaded query={project} loading={<Skeleton kind="card" rows={2} />}>
        {() => null}
      </Loaded>
    </Page>
  );
}
