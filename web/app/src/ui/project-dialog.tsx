// A project as a form: a new one, or the name and description of one.

import { useState, type FormEvent } from "react";
import { api } from "../api/client";
import { byField, inWords } from "../api/problem";
import { keys } from "../api/queries";
import type { ProjectDetails } from "../api/types";
import { useWrite } from "../api/writes";
import { Button, Field, Segments, TextArea } from "./basics";
import { Dialog } from "./dialog";

export const VISIBILITIES = [
  ["private", "Private"],
  ["public", "Public"],
] as const;

interface ProjectDialogProps {
  /** null: a new one. */
  project: ProjectDetails | null;
  onClose: () => void;
  onCreated?: (projectId: number) => void;
}

export function ProjectDialog({ project, onClose, onCreated }: ProjectDialogProps) {
  const [name, setName] = useState(project?.name ?? "");
  const [description, setDescription] = useState(project?.description ?? "");
  const [visibility, setVisibility] = useState<"private" | "public">("private");
  const write = useWrite(
    async () => {
      if (project === null) return (await api.post("/projects", { body: { name, description, visibility } })).project_id;
      await api.patch("/projects/{project_id}", { path: { project_id: project.project_id }, body: { name, description } });
      return project.project_id;
    },
    [keys.projects, ["project"], keys.me],
    (projectId) => {
      onClose();
      if (project === null) onCreated?.(projectId);
    },
    true,
  );
  const errors = byField(write.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate(undefined);
  };
  return (
    <Dialog title={project === null ? "New project" : "Edit project"} onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <Field label="Name" value={name} maxLength={200} required autoFocus error={errors.name} onChange={setName} />
        <TextArea label="Description" value={description} maxLength={5000} error={errors.description} onChange={setDescription} />
        {project === null && (
          <div className="field">
            <p className="field-label">Visibility</p>
            <Segments label="Visibility" value={visibility} options={VISIBILITIES} onChange={setVisibility} />
            <p className="field-note">{visibility === "private" ? "Only members know that it exists." : "Anybody sees it, and may join."}</p>
          </div>
        )}
        {write.error != null && Object.keys(errors).length === 0 && (
          <p className="form-error" role="alert">
            {inWords(write.error)}
          </p>
        )}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" type="submit" busy={write.isPending} disabled={name.trim() === ""}>
            {project === null ? "Create" : "Save"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
