// The keys that do something, shown by the key ?.

import { useState } from "react";
import { Dialog } from "./dialog";
import { useShortcut } from "./shortcuts";

const KEYS = [
  ["T", "Start the timer, or stop it"],
  ["1 to 9", "Start that project's timer, or switch to it"],
  ["N", "Add an entry by hand (on Today)"],
  ["← →", "On an edge in the day strip: move it by 5 minutes, with Shift by 1"],
  ["Esc", "Close what is open"],
  ["?", "Show these keys"],
] as const;

export function KeyHelp() {
  const [open, setOpen] = useState(false);
  useShortcut((key) => {
    if (key !== "?") return false;
    setOpen(true);
    return true;
  });
  if (!open) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      <dl className="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p className="field-note">They can be turned off in the settings.</p>
    </Dialog>
  );
}
