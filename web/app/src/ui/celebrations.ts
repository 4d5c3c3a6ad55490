// Badges that were just earned and are still to be shown, each once: the
// answer of a write and the WebSocket both tell of them.

import { useSyncExternalStore } from "react";

let queue: readonly number[] = [];
const seen = new Set<number>();
const listeners = new Set<() => void>();

function set(next: readonly number[]) {
  queue = next;
  for (const listener of listeners) listener();
}

export function celebrate(badgeId: number) {
  if (seen.has(badgeId)) return;
  seen.add(badgeId);
  set([...queue, badgeId]);
}

export function celebrated() {
  const [first, ...rest] = queue;
  // One that is taken back may be earned again.
  if (first !== undefined) setTimeout(() => seen.delete(first), 60_000);
  set(rest);
}

export function useCelebration(): number | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => queue[0],
  );
}
