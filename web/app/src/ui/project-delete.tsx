// Deleting a project: what was tracked on it goes to another one, or there is
// nothing.

import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "../api/client";
import { keys } from "../api/queries";
import type { ProjectDetails } from "../api/types";
import { useWrite } from "../api/writes";
import { Select } from "./basics";
import { Confirm } from "./dialog";
import { useProjects } from "./projects";

export function ProjectDelete({ project, onClose }: { project: ProjectDetails; onClose: () => void }) {
  const [, go] = useLocation();
  const [target, setTarget] = useState("");
  const others = useProjects().open.filter(({ project_id }) => project_id !== project.project_id);
  const write = useWrite(
    () => api.delete("/projects/{project_id}", { path: { project_id: project.project_id }, query: target === "" ? {} : { move_entries_to: Number(target) } }),
    [keys.projects, keys.entries, keys.reports, keys.me],
    () => {
      onClose();
      go("/app/projects");
    },
  );
  return (
    <Confirm title="Delete this project?" action="Delete" busy={write.isPending} onConfirm={() => write.mutate(undefined)} onClose={onClose}>
      <p>Its board and its memberships go for good. Time that was tracked on it is kept: say where it goes.</p>
      <Select label="Move its entries to" value={target} onChange={setTarget}>
        <option value="">Nowhere: there are none</option>
        {others.map(({ project_id, name }) => (
          <option key={project_id} value={project_id}>
            {name}
          </option>
        ))}
      </Select>
    </Confirm>
  );
}
