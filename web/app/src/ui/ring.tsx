// A ring that fills as something comes nearer.

import type { ReactNode } from "react";

const RADIUS = 46;
const AROUND = 2 * Math.PI * RADIUS;

export function Ring({ fraction, children }: { fraction: number; children: ReactNode }) {
  const percent = Math.floor(fraction * 100);
  return (
    <span className="ring">
      <svg viewBox="0 0 100 100" role="img" aria-label={`${percent} %`}>
        <circle className="ring-track" cx="50" cy="50" r={RADIUS} />
        <circle className="ring-fill" cx="50" cy="50" r={RADIUS} strokeDasharray={AROUND} strokeDashoffset={AROUND * (1 - Math.min(1, fraction))} transform="rotate(-90 50 50)" />
      </svg>
      {children}
    </span>
  );
}
