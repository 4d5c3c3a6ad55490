// The whole app: who is signed in decides what there is. Pages but the first
// ones are fetched when somebody goes there.

import { QueryClientProvider } from "@tanstack/react-query";
import { Component, lazy, Suspense, useEffect, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { News } from "./api/news";
import { queryClient } from "./api/queries";
import { useViewer, type Viewer } from "./api/session";
import { SignInPage } from "./pages/sign-in";
import { TodayPage } from "./pages/today";
import { Button, Page } from "./ui/basics";
import { Empty, Skeleton } from "./ui/states";
import { Shell } from "./ui/shell";
import { Toasts } from "./ui/toast-list";

const ActivityPage = lazy(() => import("./pages/activity"));
const AdminPage = lazy(() => import("./pages/admin"));
const BadgesPage = lazy(() => import("./pages/badges"));
const LeaderboardPage = lazy(() => import("./pages/leaderboard"));
const NotificationsPage = lazy(() => import("./pages/notifications"));
const ForgotPage = lazy(async () => ({ default: (await import("./pages/password")).ForgotPage }));
const ResetPage = lazy(async () => ({ default: (await import("./pages/password")).ResetPage }));
const ProfilePage = lazy(() => import("./pages/profile"));
const ProjectPage = lazy(() => import("./pages/project"));
const ProjectsPage = lazy(() => import("./pages/projects"));
const SettingsPage = lazy(() => import("./pages/settings"));
const TimelinePage = lazy(() => import("./pages/timeline"));

function Missing() {
  return (
    <Page title="Nothing here">
      <Empty icon="search" title="There is no page at this address.">
        <Link className="link" href="/">
          Go to today
        </Link>
      </Empty>
    </Page>
  );
}

/** A page that could not be fetched or shown: a new release may have replaced it. */
class Caught extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="page">
        <Empty icon="warning" title="This page could not be shown.">
          <Button onClick={() => location.reload()}>Load it again</Button>
        </Empty>
      </div>
    );
  }
}

function SignedIn({ userId, isAdmin }: { userId: number; isAdmin: boolean }) {
  const [path] = useLocation();
  return (
    <News userId={userId}>
      <Shell>
        <Caught key={path}>
          <Suspense fallback={<div className="page page-coming"><Skeleton kind="card" rows={2} /></div>}>
            <Switch>
              <Route path="/"><TodayPage userId={userId} /></Route>
              <Route path="/app/projects"><ProjectsPage /></Route>
              <Route path="/app/projects/:id">{({ id }) => <ProjectPage key={id} id={Number(id)} userId={userId} />}</Route>
              <Route path="/app/activity"><ActivityPage userId={userId} /></Route>
              <Route path="/app/badges"><BadgesPage userId={userId} /></Route>
              <Route path="/app/timeline"><TimelinePage userId={userId} /></Route>
              <Route path="/app/leaderboard"><LeaderboardPage userId={userId} /></Route>
              <Route path="/app/people/:id">{({ id }) => <ProfilePage key={id} id={Number(id)} viewerId={userId} />}</Route>
              <Route path="/app/notifications"><NotificationsPage /></Route>
              <Route path="/app/settings"><SettingsPage userId={userId} /></Route>
              {isAdmin && <Route path="/app/admin"><AdminPage /></Route>}
              <Route path="/app/sign-in"><Redirect to="/" /></Route>
              <Route path="/app/sign-up"><Redirect to="/" /></Route>
              <Route path="/app/forgot-password"><Redirect to="/app/settings" /></Route>
              <Route><Missing /></Route>
            </Switch>
          </Suspense>
        </Caught>
      </Shell>
    </News>
  );
}

function SignedOut() {
  const [path] = useLocation();
  if (path === "/app/forgot-password") return <ForgotPage />;
  return <SignInPage isNew={path === "/app/sign-up"} />;
}

/** Where mails lead to, whoever is signed in here. */
const RESETS = ["/reset-password", "/app/reset-password"];

function Whole({ viewer }: { viewer: Viewer | null }) {
  const [path] = useLocation();
  if (RESETS.includes(path)) return <ResetPage />;
  return viewer === null ? <SignedOut /> : <SignedIn key={viewer.user_id} userId={viewer.user_id} isAdmin={viewer.role === "admin"} />;
}

export function App() {
  const viewer = useViewer();
  const userId = viewer?.user_id;
  // Nothing of one user is shown to another.
  useEffect(() => () => queryClient.clear(), [userId]);
  return (
    <QueryClientProvider client={queryClient}>
      <Suspense fallback={null}>
        <Whole viewer={viewer} />
      </Suspense>
      <Toasts />
    </QueryClientProvider>
  );
}
