// What stands around the forms of those who are not signed in.

import type { ReactNode } from "react";

export function Welcome({ children }: { children: ReactNode }) {
  return (
    <div className="welcome">
      <div className="welcome-side">
        <p className="brand">
          <img src="/icon.svg" alt="" width="32" height="32" />
          TimeTrackr
        </p>
        <p className="welcome-line">Know where your hours go.</p>
        <ul className="welcome-points">
          <li>One key starts, switches and stops the timer.</li>
          <li>Streaks and badges for time well spent.</li>
          <li>Projects with others, and boards that move as you work.</li>
        </ul>
      </div>
      <main className="welcome-main">
        {children}
      </main>
    </div>
  );
}
