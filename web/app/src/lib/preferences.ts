// What this browser remembers of how its user likes it: theme, and whether
// single keys do something.

import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const listeners = new Set<() => void>();

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // it holds until the page is left
  }
  for (const listener of listeners) listener();
}

function useValue<T>(value: () => T): T {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, value);
}

function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function useTheme(): Theme {
  return useValue(theme);
}

export function chooseTheme(chosen: Theme) {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  write("timetrackr.theme", chosen === "system" ? null : chosen);
}

export function keysAreOn(): boolean {
  return read("timetrackr.keys") !== "off";
}

export function useKeysAreOn(): boolean {
  return useValue(keysAreOn);
}

export function turnKeys(on: boolean) {
  write("timetrackr.keys", on ? null : "off");
}
