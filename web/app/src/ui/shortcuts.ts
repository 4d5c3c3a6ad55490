// Single keys: not while somebody types, a dialog is open, or they are off.

import { useEffect, useRef } from "react";
import { keysAreOn } from "../lib/preferences";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=slider]") !== null;
}

export function useShortcut(work: (key: string) => boolean) {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !keysAreOn()) return;
      if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
      if (latest.current(event.key)) event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
