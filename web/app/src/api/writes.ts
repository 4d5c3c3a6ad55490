// What pages change, and what has to be read anew afterwards. Events of the
// WebSocket say the same for what others do (news.ts).

import { useMutation } from "@tanstack/react-query";
import { tell } from "../ui/toasts";
import { celebrate } from "../ui/celebrations";
import { api } from "./client";
import { inWords } from "./problem";
import { keys, queryClient } from "./queries";
import { serverNow } from "./send";
import type { Entry } from "./types";

export function refresh(...parts: readonly (readonly unknown[])[]) {
  return Promise.all(parts.map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}

/** Everything that follows from entries. */
export function refreshTime(userId: number) {
  return refresh(keys.current, keys.entries, keys.me, keys.reports, keys.person(userId), ["project"]);
}

const other = "BroadcastChannel" in globalThis ? new BroadcastChannel("timetrackr.timer") : null;
other?.addEventListener("message", () => void refresh(keys.current, keys.entries));

/** Other tabs are not told by the server that a timer was started. */
function tellTabs() {
  other?.postMessage("changed");
}

function fail(error: unknown) {
  tell(inWords(error), "bad");
}

export interface EntryFields {
  project_id?: number;
  start_time?: string;
  end_time?: string;
  note?: string;
  tags?: string[];
}

export function useTimer(userId: number) {
  const settled = () => {
    tellTabs();
    // Nobody waits for that: the answer alone ends the write.
    void refreshTime(userId);
  };
  const start = useMutation({
    mutationFn: ({ projectId, note }: { projectId: number; note?: string }) => api.post("/time-entries", { body: { project_id: projectId, note } }),
    onMutate: async ({ projectId, note }) => {
      await queryClient.cancelQueries({ queryKey: keys.current });
      const before = queryClient.getQueryData<Entry | null>(keys.current) ?? null;
      const now = new Date(serverNow()).toISOString();
      // Shown at once; its number comes with the answer.
      queryClient.setQueryData(keys.current, {
        entry_id: 0, project_id: projectId, start_time: now, end_time: null, duration_seconds: null, timezone: "UTC", note: note ?? "",
        tags: [], source: "timer", flagged: false, created_at: now, updated_at: now,
      } satisfies Entry);
      return { before };
    },
    onSuccess: ({ badges_awarded, entry_id, start_time }) => {
      queryClient.setQueryData<Entry | null>(keys.current, (running) => running && { ...running, entry_id, start_time });
      for (const { badge_id } of badges_awarded) celebrate(badge_id);
    },
    onError: (error, _, context) => {
      queryClient.setQueryData(keys.current, context?.before ?? null);
      fail(error);
    },
    onSettled: settled,
  });
  const stop = useMutation({
    mutationFn: (entryId: number) => api.put("/time-entries/{entry_id}/end", { path: { entry_id: entryId }, body: {} }),
    onMutate: async () => {
      await queryClient.cancelQueries({ queryKey: keys.current });
      const before = queryClient.getQueryData<Entry | null>(keys.current) ?? null;
      queryClient.setQueryData(keys.current, null);
      return { before };
    },
    onSuccess: ({ badges_awarded, flagged }) => {
      for (const { badge_id } of badges_awarded) celebrate(badge_id);
      if (flagged) tell("This entry is so long that it counts nothing until you correct it.", "bad");
    },
    onError: (error, _, context) => {
      queryClient.setQueryData(keys.current, context?.before ?? null);
      fail(error);
    },
    onSettled: settled,
  });
  return { start, stop };
}

/** Make, change and delete entries. Refusals of a form are the form's to show. */
export function useEntryWrites(userId: number) {
  const settled = () => {
    tellTabs();
    // Nobody waits for that: the answer alone ends the write.
    void refreshTime(userId);
  };
  const add = useMutation({
    mutationFn: (fields: EntryFields & { project_id: number }) => api.post("/time-entries", { body: fields }),
    onSuccess: ({ badges_awarded }) => {
      for (const { badge_id } of badges_awarded) celebrate(badge_id);
    },
    onSettled: settled,
  });
  const change = useMutation({
    mutationFn: ({ entryId, fields }: { entryId: number; fields: EntryFields }) => api.patch("/time-entries/{entry_id}", { path: { entry_id: entryId }, body: fields }),
    onMutate: ({ entryId, fields }) => {
      queryClient.setQueriesData<Entry[]>({ queryKey: keys.entries }, (rows) => rows?.map((row) => (row.entry_id === entryId ? { ...row, ...fields } : row)));
    },
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: (entryId: number) => api.delete("/time-entries/{entry_id}", { path: { entry_id: entryId } }),
    onError: fail,
    onSettled: settled,
  });
  return { add, change, remove };
}

/** A write whose refusal is told in passing, and after which these are read anew. */
export function useWrite<T, R>(work: (given: T) => Promise<R>, after: readonly (readonly unknown[])[], done?: string | ((answer: R, given: T) => void), quiet = false) {
  return useMutation({
    mutationFn: work,
    onSuccess: (answer, given) => {
      if (typeof done === "string") tell(done);
      else done?.(answer, given);
    },
    onError: quiet ? undefined : fail,
    onSettled: () => refresh(...after),
  });
}
