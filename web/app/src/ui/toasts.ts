// Short messages that pass: a list outside of React, told by anything.

import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  text: string;
  kind: "good" | "bad";
  action?: { label: string; run: () => void };
}

const STAYS = 6000;
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

export function dismiss(id: number) {
  set(toasts.filter((toast) => toast.id !== id));
}

/** Say something; the same thing twice is said once. */
export function tell(text: string, kind: Toast["kind"] = "good", action?: Toast["action"]) {
  const id = ++last;
  set([...toasts.filter((toast) => toast.text !== text).slice(-2), { id, text, kind, action }]);
  setTimeout(() => dismiss(id), STAYS);
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
}
