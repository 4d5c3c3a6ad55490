// Events of the WebSocket turned into what has to be read anew, and badges into
// celebrations; and whether the page is live at all.

import { createContext, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { celebrate } from "../ui/celebrations";
import { Live, type LiveMessage, type LiveState } from "./live";
import { keys, queryClient } from "./queries";
import { refresh, refreshTime } from "./writes";

export type Connection = LiveState | "offline";

const Connected = createContext<{ connection: Connection; follow: (projectId: number) => () => void }>({
  connection: "connecting",
  follow: () => () => undefined,
});

function hear(message: LiveMessage, userId: number) {
  const { topic, data } = message;
  switch (topic) {
    case "time_entry_completed":
    case "entries_imported":
      if (typeof data.project_id === "number") void refresh(keys.project(data.project_id));
      if (data.user_id === undefined || data.user_id === userId) void refreshTime(userId);
      break;
    case "score_changed":
      void refresh(keys.me, keys.reports, keys.person(userId));
      break;
    case "profile_changed":
      void refresh(keys.me, keys.person(userId));
      break;
    case "badge_awarded":
      if (data.user_id !== userId) break;
      celebrate(Number(data.badge_id));
      void refresh(keys.me, keys.badges, keys.person(userId));
      break;
    case "notification_created":
      void refresh(keys.notifications);
      break;
    case "project_created":
      void refresh(keys.projects);
      break;
    case "project_changed":
      void refresh(keys.projects, keys.project(Number(data.project_id)));
      break;
    case "leaderboard_changed":
      void refresh(keys.boards);
      break;
    case "badges_changed":
      void refresh(keys.badges, [...keys.person(userId), "progress"]);
      break;
  }
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

export function News({ userId, children }: { userId: number; children: ReactNode }) {
  const [state, setState] = useState<LiveState>("connecting");
  const online = useOnline();
  const live = useMemo(
    () =>
      new Live({
        state: setState,
        message: (message) => hear(message, userId),
        reset: (projectId) => void (projectId === undefined ? queryClient.invalidateQueries() : refresh(keys.project(projectId))),
      }),
    [userId],
  );

  useEffect(() => {
    live.start();
    return () => live.end();
  }, [live]);

  const value = useMemo(() => ({ connection: online ? state : ("offline" as const), follow: (projectId: number) => live.follow(projectId) }), [live, online, state]);
  return <Connected.Provider value={value}>{children}</Connected.Provider>;
}

export function useConnection(): Connection {
  return useContext(Connected).connection;
}

/** Hear of a project while the page is shown. */
export function useFollow(projectId: number) {
  const { follow } = useContext(Connected);
  // The context changes with the state of the connection; following does not.
  const latest = useRef(follow);
  latest.current = follow;
  useEffect(() => latest.current(projectId), [projectId]);
}
