// Projects as the timer and forms use them: by id, and those to choose from.

import { useMemo } from "react";
import { useMyProjects } from "../api/queries";
import type { Project } from "../api/types";

const RECENT = "timetrackr.recent";

function recent(): number[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id): id is number => typeof id === "number") : [];
  } catch {
    return [];
  }
}

/** Remember which project was worked on last: it is offered first. */
export function used(projectId: number) {
  localStorage.setItem(RECENT, JSON.stringify([projectId, ...recent().filter((id) => id !== projectId)].slice(0, 20)));
}

export interface Projects {
  byId: Map<number, Project>;
  /** One may track time on these; those used last come first. */
  open: Project[];
  loaded: boolean;
}

export function useProjects(): Projects {
  const { data } = useMyProjects();
  return useMemo(() => {
    const order = recent();
    const place = ({ project_id }: Project) => (order.includes(project_id) ? order.indexOf(project_id) : order.length);
    const rows = data ?? [];
    return {
      byId: new Map(rows.map((project) => [project.project_id, project])),
      open: rows.filter(({ archived, role }) => !archived && role !== "viewer").sort((a, b) => place(a) - place(b)),
      loaded: data !== undefined,
    };
  }, [data]);
}

export function nameOf(projects: Projects, id: number): string {
  return projects.byId.get(id)?.name ?? (projects.loaded ? `Project ${id}` : "…");
}
