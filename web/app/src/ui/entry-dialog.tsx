// An entry as a form: a new one, or one to change or delete.

import { useState, type FormEvent } from "react";
import { byField, inWords } from "../api/problem";
import type { Entry } from "../api/types";
import { useEntryWrites, type EntryFields } from "../api/writes";
import { dayOf, duration, endOfDay, instantAt, timeOf } from "../lib/time";
import { Button, Field, Select, TextArea } from "./basics";
import { Dialog } from "./dialog";
import { nameOf, used, useProjects } from "./projects";
import { tell } from "./toasts";

const HOUR = 3600_000;

interface Form {
  project: string;
  startDay: string;
  startTime: string;
  endDay: string;
  endTime: string;
  note: string;
  tags: string;
}

/** A new entry is offered to end just now; on a day that is over, at ten. */
function endOfNew(day: string, zone: string, latest: number): number {
  const isOver = latest >= endOfDay(day, zone);
  return isOver ? instantAt(day, "10:00", zone) : Math.floor(latest / 300_000) * 300_000;
}

function formOf(entry: Entry | null, day: string, zone: string, latest: number): Form {
  const end = entry === null ? endOfNew(day, zone, latest) : entry.end_time === null ? null : Date.parse(entry.end_time);
  const start = entry === null ? end! - HOUR : Date.parse(entry.start_time);
  return {
    project: entry === null ? "" : String(entry.project_id),
    startDay: dayOf(start, zone),
    startTime: timeOf(start, zone),
    endDay: end === null ? "" : dayOf(end, zone),
    endTime: end === null ? "" : timeOf(end, zone),
    note: entry?.note ?? "",
    tags: entry?.tags.join(", ") ?? "",
  };
}

function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}

interface EntryDialogProps {
  /** null: a new one. */
  entry: Entry | null;
  day: string;
  zone: string;
  userId: number;
  /** A new one is offered to end here. */
  latest: number;
  onClose: () => void;
}

export function EntryDialog({ entry, day, zone, userId, latest, onClose }: EntryDialogProps) {
  const projects = useProjects();
  const { add, change, remove } = useEntryWrites(userId);
  const [initial] = useState(() => formOf(entry, day, zone, latest));
  const [form, setForm] = useState(initial);
  const [missing, setMissing] = useState<Record<string, string>>({});
  const set = (field: keyof Form) => (value: string) => setForm((old) => ({ ...old, [field]: value }));
  // Until one is chosen it is the one used last, which may only just be known.
  const project = form.project === "" ? String(projects.open[0]?.project_id ?? "") : form.project;
  const running = entry !== null && entry.end_time === null;
  const start = instantAt(form.startDay, form.startTime, zone);
  const end = running && form.endTime === "" ? NaN : instantAt(form.endDay || form.startDay, form.endTime, zone);
  const write = entry === null ? add : change;
  const errors = { ...byField(write.error), ...missing };
  const general = write.error && Object.keys(byField(write.error)).length === 0 ? inWords(write.error) : undefined;

  const same = (...fields: (keyof Form)[]) => fields.every((field) => form[field] === initial[field]);
  const save = (event: FormEvent) => {
    event.preventDefault();
    const wrong: Record<string, string> = {};
    if (project === "") wrong.project_id = "Choose a project.";
    if (Number.isNaN(start)) wrong.start_time = "A day and a time, such as 09:05.";
    if (!running && Number.isNaN(end)) wrong.end_time = "A day and a time, such as 17:30.";
    if (end <= start) wrong.end_time = "The end must lie after the start.";
    setMissing(wrong);
    if (Object.keys(wrong).length > 0) return;
    used(Number(project));
    const fields: EntryFields = {
      project_id: Number(project),
      // Times that were not touched stay as they are, to the second and in the second of two equal hours.
      ...((entry === null || !same("startDay", "startTime")) && { start_time: new Date(start).toISOString() }),
      ...((entry === null || !same("endDay", "endTime")) && !Number.isNaN(end) && { end_time: new Date(end).toISOString() }),
      note: form.note,
      tags: tagsOf(form.tags),
    };
    if (entry === null) add.mutate({ ...fields, project_id: Number(project) }, { onSuccess: onClose });
    else change.mutate({ entryId: entry.entry_id, fields }, { onSuccess: onClose });
  };

  const drop = () => {
    const gone = entry!;
    remove.mutate(gone.entry_id, {
      onSuccess: () => {
        onClose();
        tell("Entry deleted.", "good", gone.end_time === null ? undefined : {
          label: "Undo",
          run: () =>
            add.mutate(
              { project_id: gone.project_id, start_time: gone.start_time, end_time: gone.end_time!, note: gone.note, tags: gone.tags },
              { onError: (error) => tell(inWords(error), "bad") },
            ),
        });
      },
    });
  };

  const choice = projects.open.some(({ project_id }) => String(project_id) === project);
  return (
    <Dialog title={entry === null ? "Add entry" : "Edit entry"} onClose={onClose}>
      <form className="form" noValidate onSubmit={save}>
        <Select label="Project" value={project} error={errors.project_id} onChange={set("project")}>
          {!choice && <option value={project}>{project === "" ? "Choose a project" : nameOf(projects, Number(project))}</option>}
          {projects.open.map(({ project_id, name }) => (
            <option key={project_id} value={project_id}>
              {name}
            </option>
          ))}
        </Select>
        <div className="form-pair">
          <Field label="Start day" type="date" value={form.startDay} onChange={set("startDay")} />
          <Field label="Start time" type="time" step={form.startTime.length > 5 ? 1 : 60} value={form.startTime} error={errors.start_time} onChange={set("startTime")} />
        </div>
        <div className="form-pair">
          <Field label="End day" type="date" value={form.endDay} onChange={set("endDay")} />
          <Field
            label="End time"
            type="time"
            step={form.endTime.length > 5 ? 1 : 60}
            value={form.endTime}
            error={errors.end_time}
            hint={running && form.endTime === "" ? "It still runs." : end > start ? duration((end - start) / 1000) : undefined}
            onChange={set("endTime")}
          />
        </div>
        <TextArea label="Note" value={form.note} rows={2} maxLength={2000} error={errors.note} onChange={set("note")} />
        <Field label="Tags" value={form.tags} error={errors.tags} hint="Separated by commas" onChange={set("tags")} />
        {general && (
          <p className="form-error" role="alert">
            {general}
          </p>
        )}
        <div className="dialog-actions">
          {entry !== null && (
            <Button look="quiet" icon="trash" className="push" busy={remove.isPending} onClick={drop}>
              Delete
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" type="submit" busy={write.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
