// What pages read: one hook for each thing, kept by TanStack Query under keys
// that say what it is, so that events know what to read anew.

import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { endOfDay, startOfDay } from "../lib/time";
import { all, api, page } from "./client";
import { Problem, Unreachable } from "./problem";
import type { Period } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      staleTime: 60_000,
      gcTime: 10 * 60_000,
      retry: (count, error) => count < 2 && (error instanceof Unreachable || (error instanceof Problem && error.status === 503)),
    },
    mutations: { networkMode: "always" },
  },
});

export const keys = {
  me: ["me"],
  current: ["current"],
  entries: ["entries"],
  projects: ["projects"],
  project: (id: number) => ["project", id],
  person: (id: number) => ["person", id],
  people: ["people"],
  badges: ["badges"],
  boards: ["boards"],
  reports: ["reports"],
  notifications: ["notifications"],
  sessions: ["sessions"],
} as const;

const DAY = 24 * 3600_000;
const iso = (instant: number) => new Date(instant).toISOString();

export function useMe() {
  return useQuery({ queryKey: keys.me, queryFn: ({ signal }) => api.get("/users/me", { signal }) });
}

/** The running entry; null when none runs. */
export function useCurrent() {
  return useQuery({ queryKey: keys.current, queryFn: ({ signal }) => api.get("/time-entries/current", { signal }) });
}

/** Entries with time on a day, oldest first: also those that began the day before. */
export function useEntriesOf(day: string, zone: string) {
  const start = startOfDay(day, zone);
  const end = endOfDay(day, zone);
  return useQuery({
    queryKey: [...keys.entries, day, zone],
    queryFn: async ({ signal }) => {
      const rows = await all("/time-entries", { query: { from: iso(start - DAY), to: iso(end), limit: 100 } }, signal);
      return rows.filter((entry) => entry.end_time === null || Date.parse(entry.end_time) > start).reverse();
    },
  });
}

/** Projects that one is a member of, archived ones included. */
export function useMyProjects() {
  return useQuery({ queryKey: [...keys.projects, "mine"], queryFn: ({ signal }) => all("/projects", { query: { scope: "mine", limit: 100 } }, signal) });
}

export function usePublicProjects(words: string) {
  return useInfiniteQuery({
    queryKey: [...keys.projects, "public", words],
    queryFn: ({ pageParam, signal }) => page("/projects", { query: { scope: "public", q: words || undefined, limit: 20 } }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
}

export function useProject(id: number) {
  return useQuery({ queryKey: keys.project(id), queryFn: ({ signal }) => api.get("/projects/{project_id}", { path: { project_id: id }, signal }) });
}

export function useDays(userId: number, from: string, to: string) {
  return useQuery({
    queryKey: [...keys.person(userId), "days", from, to],
    queryFn: ({ signal }) => api.get("/users/{user_id}/days", { path: { user_id: userId }, query: { from, to }, signal }),
  });
}

export function useReport(groups: ("project" | "day" | "week" | "month" | "tag")[], from: string, to: string) {
  return useQuery({
    queryKey: [...keys.reports, groups.join(), from, to],
    queryFn: ({ signal }) => api.get("/reports/summary", { query: { group_by: groups, from, to }, signal }),
    placeholderData: keepPreviousData,
  });
}

export function useProfile(id: number) {
  return useQuery({ queryKey: [...keys.person(id), "profile"], queryFn: ({ signal }) => api.get("/users/{user_id}/profile", { path: { user_id: id }, signal }) });
}

/** Listed people whose names begin so. */
export function usePeople(words: string) {
  return useQuery({
    queryKey: [...keys.people, words],
    queryFn: ({ signal }) => api.get("/users", { query: { q: words, limit: 20 }, signal }),
    placeholderData: keepPreviousData,
    enabled: words !== "",
  });
}

/** Those that are disabled, too; for admins. */
export function useAllBadges() {
  return useQuery({ queryKey: [...keys.badges, "all"], queryFn: ({ signal }) => api.get("/badges/all", { signal }) });
}

export function useBadges() {
  return useQuery({ queryKey: keys.badges, queryFn: ({ signal }) => api.get("/badges", { signal }), staleTime: 5 * 60_000 });
}

export function useEarned(id: number) {
  return useQuery({ queryKey: [...keys.person(id), "badges"], queryFn: ({ signal }) => api.get("/users/{user_id}/badges", { path: { user_id: id }, signal }) });
}

export function useProgress(id: number) {
  return useQuery({ queryKey: [...keys.person(id), "progress"], queryFn: ({ signal }) => api.get("/users/{user_id}/badges/progress", { path: { user_id: id }, signal }) });
}

export function useTimeline(id: number) {
  return useInfiniteQuery({
    queryKey: [...keys.person(id), "timeline"],
    queryFn: ({ pageParam, signal }) => page("/users/{user_id}/timeline", { path: { user_id: id }, query: { limit: 30 } }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
}

export interface BoardChoice {
  period: Period;
  metric: "time" | "badges";
  /** Whose time on one project counts; null: everybody's on all. */
  projectId: number | null;
}

export function useBoard({ period, metric, projectId }: BoardChoice) {
  return useInfiniteQuery({
    queryKey: [...keys.boards, period, metric, projectId],
    queryFn: ({ pageParam, signal }) =>
      projectId === null
        ? page("/leaderboard", { query: { period, metric, limit: 50 } }, pageParam, signal)
        : page("/projects/{project_id}/leaderboard", { path: { project_id: projectId }, query: { limit: 50 } }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
}

export function useBoardAround(userId: number, period: Period, metric: "time" | "badges", enabled: boolean) {
  return useQuery({
    queryKey: [...keys.boards, "around", userId, period, metric],
    queryFn: ({ signal }) => api.get("/leaderboard/around/{user_id}", { path: { user_id: userId }, query: { period, metric, limit: 11 }, signal }),
    placeholderData: keepPreviousData,
    enabled,
  });
}

export function useNotifications(unread: boolean) {
  return useInfiniteQuery({
    queryKey: [...keys.notifications, "list", unread],
    queryFn: ({ pageParam, signal }) => page("/notifications", { query: { unread: unread || undefined, limit: 30 } }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
}

export function useUnread() {
  return useQuery({ queryKey: [...keys.notifications, "unread"], queryFn: ({ signal }) => api.get("/notifications/unread", { signal }) });
}

export function useSessions() {
  return useQuery({ queryKey: keys.sessions, queryFn: ({ signal }) => all("/auth/sessions", { query: { limit: 100 } }, signal) });
}
