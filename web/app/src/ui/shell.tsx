// The frame around every page: the way to all of them, the timer, and how the
// connection is. At the side where there is room, else at the bottom.

import { useEffect, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useConnection } from "../api/news";
import { useMe, useUnread } from "../api/queries";
import { logOut, useViewer } from "../api/session";
import { Avatar } from "./basics";
import { Celebration } from "./celebration";
import { Dialog } from "./dialog";
import { Icon, type IconName } from "./icons";
import { KeyHelp } from "./key-help";
import { TimerBar } from "./timer-bar";

interface Place {
  path: string;
  name: string;
  icon: IconName;
}

const MAIN: Place[] = [
  { path: "/", name: "Today", icon: "today" },
  { path: "/app/projects", name: "Projects", icon: "projects" },
  { path: "/app/activity", name: "Activity", icon: "activity" },
  { path: "/app/badges", name: "Badges", icon: "badges" },
];
const REST: Place[] = [
  { path: "/app/timeline", name: "Timeline", icon: "timeline" },
  { path: "/app/leaderboard", name: "Leaderboard", icon: "board" },
  { path: "/app/notifications", name: "Notifications", icon: "bell" },
  { path: "/app/settings", name: "Settings", icon: "settings" },
];
const ADMIN: Place = { path: "/app/admin", name: "Manage badges", icon: "admin" };

function isAt(location: string, path: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}

function Unread() {
  const { data } = useUnread();
  const count = data?.unread ?? 0;
  if (count === 0) return null;
  return (
    <span className="count">
      {count > 99 ? "99+" : count}
      <span className="sr-only"> unread</span>
    </span>
  );
}

function NavLink({ place, onGo }: { place: Place; onGo?: () => void }) {
  const [location] = useLocation();
  return (
    <Link href={place.path} className="nav-link" aria-current={isAt(location, place.path) ? "page" : undefined} onClick={onGo}>
      <Icon name={place.icon} size={22} />
      <span>{place.name}</span>
      {place.icon === "bell" && <Unread />}
    </Link>
  );
}

function Account({ onGo }: { onGo?: () => void }) {
  const viewer = useViewer()!;
  const picture = useMe().data?.avatar_url;
  return (
    <div className="account">
      <Link href={`/app/people/${viewer.user_id}`} className="account-link" onClick={onGo}>
        <Avatar id={viewer.user_id} name={viewer.username} url={picture} size="small" />
        <span className="account-name">{viewer.username}</span>
        <span className="sr-only">, your profile</span>
      </Link>
      <button type="button" className="icon-button" aria-label="Sign out" title="Sign out" onClick={() => void logOut()}>
        <Icon name="leave" />
      </button>
    </div>
  );
}

/** What the connection is like, when it is not as it should be for more than a moment. */
function ConnectionBar() {
  const connection = useConnection();
  const [lasting, setLasting] = useState(false);
  const broken = connection !== "live";
  useEffect(() => {
    if (!broken) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), connection === "offline" ? 0 : 3000);
    return () => clearTimeout(timer);
  }, [broken, connection === "offline"]);
  const shown = broken && lasting;
  return (
    <div className={shown ? "connection connection-shown" : "connection"} role="status">
      {shown && (
        <>
          <Icon name="warning" size={16} />
          {connection === "offline" ? "You are offline. What you see may be out of date." : "Reconnecting. What you see may be out of date."}
        </>
      )}
    </div>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const viewer = useViewer()!;
  const [menuOpen, setMenuOpen] = useState(false);
  const rest = viewer.role === "admin" ? [...REST, ADMIN] : REST;
  const [location] = useLocation();
  const close = () => setMenuOpen(false);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <nav className="side" aria-label="Pages">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          TimeTrackr
        </Link>
        <div className="side-links">
          {[...MAIN, ...rest].map((place) => (
            <NavLink key={place.path} place={place} />
          ))}
        </div>
        <Account />
      </nav>
      <div className="main-column">
        <TimerBar />
        <ConnectionBar />
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
      <nav className="tabs" aria-label="Main pages">
        {MAIN.map((place) => (
          <NavLink key={place.path} place={place} />
        ))}
        <button type="button" className="nav-link" aria-haspopup="dialog" aria-current={rest.some(({ path }) => isAt(location, path)) ? "true" : undefined} onClick={() => setMenuOpen(true)}>
          <Icon name="more" size={22} />
          <span>More</span>
          <Unread />
        </button>
      </nav>
      {menuOpen && (
        <Dialog title="More" onClose={close}>
          <div className="menu-links">
            {rest.map((place) => (
              <NavLink key={place.path} place={place} onGo={close} />
            ))}
          </div>
          <Account onGo={close} />
        </Dialog>
      )}
      <KeyHelp />
      <Celebration />
    </div>
  );
}
