// Every page at one width, light and dark: pictures of it, what axe finds,
// whether something is cut off at the side, and whether it jumped while it came.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { call, logIn, run, settled, signUp } from "./browser.mjs";

const [size] = process.argv.slice(2);
const width = { wide: 1440, narrow: 360 }[size];
const height = { wide: 900, narrow: 740 }[size];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const JUMP = 0.02;
const TALLEST = 2600;

await run(async ({ open }) => {
  const wrong = [];

  /** Things that come in have come: half of a colour has no contrast. */
  async function atRest(page) {
    await page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished.catch(() => undefined))));
  }

  /** Look at what is shown now. */
  async function look(page, name, { full = true } = {}) {
    await settled(page);
    await atRest(page);
    // Before the window grows, at which an endless list goes on.
    const { side, shifts } = await page.evaluate(() => ({ side: document.documentElement.scrollWidth - innerWidth, shifts: window.shifts }));
    if (side > 0) wrong.push(`${name}: ${side} px wider than the window`);
    const jumped = shifts.reduce((sum, value) => sum + value, 0);
    if (jumped > JUMP) wrong.push(`${name}: jumped by ${jumped.toFixed(3)}`);
    // As a window so high that all of it is seen: what is fixed stands at its end.
    if (full) await page.setViewportSize({ width, height: Math.max(height, Math.min(TALLEST, await page.evaluate(() => document.documentElement.scrollHeight))) });
    await page.evaluate(AXE);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      await atRest(page);
      await page.screenshot({ path: `${process.env.TIMETRACKR_SHOTS}/${name}-${size}-${scheme}.png` });
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, impact, nodes } of violations)
        if (["serious", "critical"].includes(impact)) wrong.push(`${name}, ${scheme}: ${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary.slice(0, 300)}`).join(" | ")}`);
    }
    await page.setViewportSize({ width, height });
  }

  const anyone = await open({ width, height });
  for (const [name, path] of [["sign-in", "/"], ["sign-up", "/app/sign-up"], ["forgot", "/app/forgot-password"], ["reset", "/reset-password"]]) {
    await anyone.page.goto(path);
    await look(anyone.page, name);
  }
  await anyone.context.close();

  const demo = await logIn(process.env.DEMO_EMAIL, process.env.DEMO_PASSWORD);
  const { body: projects } = await call("GET", "/projects?scope=mine", { token: demo.access_token });
  const shown = projects.find(({ name }) => name === "TimeTrackr");
  await call("POST", "/time-entries", { token: demo.access_token, body: { project_id: shown.project_id, note: "Pictures for the manual" } });
  const { page, context } = await open({ width, height, session: demo });
  const pages = {
    today: "/",
    projects: "/app/projects",
    project: `/app/projects/${shown.project_id}`,
    activity: "/app/activity",
    badges: "/app/badges",
    timeline: "/app/timeline",
    leaderboard: "/app/leaderboard",
    profile: `/app/people/${demo.user_id}`,
    notifications: "/app/notifications",
    settings: "/app/settings",
    missing: "/app/nowhere",
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(path);
    await look(page, name, { full: name !== "timeline" });
  }
  await page.goto("/");
  await page.getByRole("button", { name: "Day before" }).click();
  await look(page, "yesterday");
  await page.getByRole("button", { name: /^Edit / }).first().click();
  await look(page, "entry", { full: false });
  await page.goto("/app/badges");
  await page.locator(".badge-card").first().click();
  await look(page, "badge", { full: false });
  await page.goto("/app/leaderboard");
  await page.getByText("Around me", { exact: true }).click();
  await look(page, "around-me");
  if (size === "narrow") {
    await page.getByRole("button", { name: /^More/ }).click();
    await look(page, "menu", { full: false });
  } else {
    await page.keyboard.press("?");
    await look(page, "keys", { full: false });
  }
  await context.close();

  // Somebody new: everything is empty. And the moment of a badge.
  const fresh = await signUp(`fresh-${size}-${process.pid}`);
  const novice = await open({ width, height, session: fresh });
  for (const [name, path] of [["empty-today", "/"], ["empty-projects", "/app/projects"], ["empty-activity", "/app/activity"], ["empty-badges", "/app/badges"], ["empty-notifications", "/app/notifications"]]) {
    await novice.page.goto(path);
    await look(novice.page, name);
  }
  await call("POST", "/projects", { token: fresh.access_token, body: { name: "First" } });
  await novice.page.locator(".celebration-card").waitFor();
  await look(novice.page, "celebration", { full: false });
  await novice.context.close();

  const admin = await open({ width, height, session: await logIn(process.env.ADMIN_EMAIL, process.env.ADMIN_PASSWORD) });
  await admin.page.goto("/app/admin");
  await look(admin.page, "admin");
  await admin.page.getByRole("button", { name: "Edit Even Keel" }).click();
  await admin.page.getByRole("button", { name: "Who would earn it now?" }).click();
  await admin.page.locator(".preview p").filter({ hasText: /\w/ }).waitFor();
  await look(admin.page, "admin-badge", { full: false });

  assert.deepEqual(wrong, []);
});
