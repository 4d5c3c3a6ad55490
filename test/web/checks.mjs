// Single promises of the app, one by its name: checks.mjs NAME.
import assert from "node:assert/strict";
import net from "node:net";
import { BASE, ZONE, call, eventually, logIn, run, settled, signUp } from "./browser.mjs";

const demo = () => logIn(process.env.DEMO_EMAIL, process.env.DEMO_PASSWORD);
const timer = (page) => page.getByRole("timer");
/** A second has passed, since a timer of no length is none. */
const ticks = (page) => page.waitForFunction(() => /^\d+:\d\d:\d\d /.test(document.title) && !document.title.startsWith("0:00:00"));
let count = 0;

/** Somebody with projects, first to last used. */
async function newcomer(...projects) {
  const session = await signUp(`check-${process.pid}-${++count}`);
  for (const name of projects) await call("POST", "/projects", { token: session.access_token, body: { name } });
  return session;
}

/** A port in front of the server, which can be cut and opened again. */
async function cable() {
  const { hostname, port } = new URL(BASE);
  const ends = new Set();
  const listener = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on("error", () => other.destroy());
      end.on("close", () => { ends.delete(end); other.destroy(); });
    }
    near.pipe(far).pipe(near);
  });
  const listen = (at) => new Promise((resolve) => listener.listen(at, "127.0.0.1", resolve));
  await listen(0);
  const local = listener.address().port;
  return {
    url: `http://127.0.0.1:${local}`,
    cut: () => new Promise((resolve) => { listener.close(resolve); for (const end of ends) end.destroy(); }),
    mend: () => listen(local),
  };
}

/** In the page: mark what Tab has to reach, and count it. Of radio buttons it is the one that is chosen; the end of a list
 * that grows while one goes through it is never reached. */
function controls() {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const wanted = all.filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ checkVisibilityCSS: true }) && (one.type !== "radio" || one.checked) && one.textContent !== "Load more");
  for (const one of wanted) one.dataset.wanted = "";
  return wanted.length;
}

/** In the page: what has the focus is not wanted any more. Does nothing show that it has it? */
function reached() {
  const one = document.activeElement;
  const isHere = one !== null && one !== document.body;
  if (isHere) delete one.dataset.wanted;
  const shown = isHere && [one, ...(one.labels ?? []), one.nextElementSibling].filter(Boolean).some((at) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    return outlineStyle !== "none" && outlineWidth !== "0px";
  });
  return { blind: !isHere || shown ? null : one.outerHTML.slice(0, 120), left: document.querySelectorAll("[data-wanted]").length };
}

const checks = {
  async "one refresh for many requests"({ open }) {
    const { page } = await open({ session: await demo() });
    let refreshes = 0;
    page.on("request", (request) => void (refreshes += request.url().endsWith("/auth/refresh")));
    await page.goto("/app/activity");
    await settled(page);
    assert.equal(refreshes, 1);
  },

  async "tabs that start together stay signed in"({ open }) {
    const { context, page, watch } = await open({ session: await demo() });
    await page.goto("/app/settings");
    await settled(page);
    const tabs = [await context.newPage(), await context.newPage(), page];
    tabs.slice(0, 2).forEach(watch);
    await Promise.all(tabs.map((tab) => tab.goto("/app/badges")));
    await Promise.all(tabs.map((tab) => tab.locator(".badge-card").first().waitFor()));
    await tabs[0].getByRole("button", { name: "Sign out" }).first().click();
    await Promise.all(tabs.map((tab) => tab.getByRole("heading", { name: "Welcome back" }).waitFor()));
  },

  async "a token that is refused is replaced, and nobody notices"({ open }) {
    const { page } = await open({ session: await demo() });
    let refused = 0;
    await page.route("**/leaderboard?*", (route) => (refused++ === 0 ? route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"status":401,"code":"invalid_token","detail":"expired"}' }) : route.continue()));
    await page.goto("/app/leaderboard");
    await page.locator(".board-row").first().waitFor();
    assert.ok(refused >= 2);
  },

  async "tabs share one session when its token has run out"({ open }) {
    const { context, page, watch } = await open({ session: await demo() });
    let refreshes = 0;
    context.on("request", (request) => void (refreshes += request.url().endsWith("/auth/refresh")));
    const other = await context.newPage();
    watch(other);
    await page.goto("/app/badges");
    await settled(page);
    await other.goto("/app/settings");
    await settled(other);
    assert.equal(refreshes, 1);
    await page.evaluate(() => {
      const kept = JSON.parse(localStorage.getItem("timetrackr.session"));
      localStorage.setItem("timetrackr.session", JSON.stringify({ ...kept, access: { ...kept.access, expires: 0 } }));
    });
    await Promise.all([page.getByRole("link", { name: "Timeline" }).first().click(), other.getByRole("link", { name: "Activity" }).first().click()]);
    await page.locator(".event").first().waitFor();
    await other.locator(".heatmap").waitFor();
    assert.equal(refreshes, 2);
    await page.reload();
    await page.locator(".event").first().waitFor();
    assert.equal(refreshes, 2);
  },

  async "a running timer outlives a reload, and is the same in every tab"({ open }) {
    const session = await newcomer("Kept");
    const { context, page, watch } = await open({ session });
    await page.goto("/");
    await settled(page);
    await page.keyboard.press("t");
    await ticks(page);
    await page.reload();
    await timer(page).waitFor();
    const other = await context.newPage();
    watch(other);
    await other.goto("/app/activity");
    await timer(other).waitFor();
    await ticks(other);
    await page.keyboard.press("t");
    await other.locator(".ticking-idle").waitFor();
    await other.keyboard.press("t");
    await timer(page).waitFor();
  },

  async "a clock that is wrong is of no matter"({ open }) {
    const { page } = await open({ session: await newcomer("Slow") });
    await page.addInitScript(() => {
      const right = Date.now;
      Date.now = () => right() - 3 * 3600_000;
    });
    await page.goto("/");
    await settled(page);
    await page.keyboard.press("t");
    await ticks(page);
    assert.match(await page.title(), /^0:0\d:/);
    await page.keyboard.press("n");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).waitFor();
    const ends = await page.getByLabel("End time").inputValue();
    const now = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" }).format(Date.now());
    const minutes = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
    assert.ok((minutes(now) - minutes(ends) + 1440) % 1440 < 10, `${ends} at ${now}`);
  },

  async "days are those of the account, wherever the browser is"({ open }) {
    const session = await newcomer("Far");
    const { body: projects } = await call("GET", "/projects?scope=mine", { token: session.access_token });
    await call("PATCH", "/users/me", { token: session.access_token, body: { timezone: "Asia/Tokyo" } });
    const day = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Tokyo" }).format(Date.now() - 24 * 3600_000);
    const body = { project_id: projects[0].project_id, start_time: `${day}T07:00:00+09:00`, end_time: `${day}T08:30:00+09:00` };
    assert.equal((await call("POST", "/time-entries", { token: session.access_token, body })).status, 201);
    const { page } = await open({ session });
    await page.goto("/");
    await settled(page);
    await page.getByRole("button", { name: "Day before" }).click();
    await page.locator(".entry-when").filter({ hasText: /07:00.*08:30/ }).waitFor();
    assert.equal(await page.getByRole("slider", { name: "Start of Far" }).getAttribute("aria-valuetext"), "07:00");
    await page.getByRole("button", { name: /^Edit Far/ }).click();
    assert.equal(await page.getByLabel("Start time").inputValue(), "07:00");
    assert.equal(await page.getByLabel("Start day").inputValue(), day);
  },

  async "the night in which an hour comes twice is whole"({ open }) {
    const session = await newcomer("Night");
    const { body: projects } = await call("GET", "/projects?scope=mine", { token: session.access_token });
    const body = { project_id: projects[0].project_id, start_time: "2025-10-25T23:30:00Z", end_time: "2025-10-26T01:30:00Z" };
    assert.equal((await call("POST", "/time-entries", { token: session.access_token, body })).status, 201);
    const { page } = await open({ session });
    await page.goto("/");
    await settled(page);
    await page.getByLabel("Day shown").fill("2025-10-26");
    await page.locator(".entry-when").filter({ hasText: /01:30.*02:30/ }).waitFor();
    await page.locator(".entry-long").getByText("2 h", { exact: true }).waitFor();
    const { strip, block, hours } = await page.evaluate(() => ({
      strip: document.querySelector(".strip-area").clientWidth,
      block: document.querySelector(".block").getBoundingClientRect().width,
      hours: document.querySelectorAll(".strip-line").length,
    }));
    assert.ok(Math.abs((block / strip) * hours - 2) < 0.05, `${block} of ${strip} for 2 of ${hours} hours`);
    // An hour by its edge, over the hour that comes twice.
    const end = page.getByRole("slider", { name: "End of Night" });
    await end.focus();
    for (let step = 0; step < 2; step++) await page.keyboard.press("PageDown");
    await page.locator(".entry-long").getByText("1 h", { exact: true }).waitFor();
    await eventually(async () => (await call("GET", "/time-entries", { token: session.access_token })).body[0].end_time.startsWith("2025-10-26T00:30:00"), "the end at the first half past two");
    await page.getByRole("button", { name: "Today", exact: true }).click();
    await page.getByRole("heading", { name: "Today", level: 1 }).waitFor();
  },

  async "a change that is refused is told, and undone"({ open }) {
    const session = await newcomer("Wide");
    const { body: projects } = await call("GET", "/projects?scope=mine", { token: session.access_token });
    const body = { project_id: projects[0].project_id, start_time: "2025-10-20T08:00:00Z", end_time: "2025-10-20T10:00:00Z" };
    await call("POST", "/time-entries", { token: session.access_token, body });
    const { page } = await open({ session });
    await page.route("**/time-entries/*", (route) => (route.request().method() === "PATCH" ? route.fulfill({ status: 409, contentType: "application/problem+json", body: '{"status":409,"code":"entry_overlaps","detail":"x"}' }) : route.continue()));
    await page.goto("/");
    await page.getByLabel("Day shown").fill("2025-10-20");
    const end = page.getByRole("slider", { name: "End of Wide" });
    await end.focus();
    await page.keyboard.press("PageDown");
    await page.getByText("This overlaps another entry.").waitFor();
    await eventually(async () => (await end.getAttribute("aria-valuetext")) === "12:00", "the end where it was");
  },

  async "nothing is too long or too strange for a narrow page"({ open }) {
    const long = "W".repeat(200);
    const session = await newcomer(long, "\u0645\u0634\u0631\u0648\u0639 \u0627\u0644\u0648\u0642\u062a (1)", "\u{1F9D1}\u200d\u{1F680} \u2728 \u{1F3F3}\ufe0f\u200d\u{1F308}");
    await call("PATCH", "/users/me", { token: session.access_token, body: { username: `${session.user_id}${"M".repeat(40)}`, bio: "b".repeat(500) } });
    const { body: projects } = await call("GET", "/projects?scope=mine", { token: session.access_token });
    for (const [index, { project_id }] of projects.entries()) {
      const [start_time, end_time] = [30, 20].map((minutes) => new Date(Date.now() - (index * 40 + minutes) * 60_000).toISOString());
      const body = { project_id, start_time, end_time, note: "n".repeat(300), tags: ["t".repeat(50), "u"] };
      assert.equal((await call("POST", "/time-entries", { token: session.access_token, body })).status, 201);
    }
    const { page } = await open({ session, width: 360, height: 740 });
    for (const [name, path] of [["today", "/"], ["projects", "/app/projects"], ["project", `/app/projects/${projects.at(-1).project_id}`], ["activity", "/app/activity"], ["timeline", "/app/timeline"], ["leaderboard", "/app/leaderboard"], ["profile", `/app/people/${session.user_id}`], ["notifications", "/app/notifications"], ["settings", "/app/settings"]]) {
      await page.goto(path);
      await settled(page);
      await page.keyboard.press("Escape");
      await page.screenshot({ path: `${process.env.TIMETRACKR_SHOTS}/strange-${name}.png`, fullPage: true });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the window`);
    }
  },

  async "every control of every page is reached by Tab, and shows it"({ open }) {
    const session = await demo();
    const { page } = await open({ session });
    const { body: projects } = await call("GET", "/projects?scope=mine", { token: session.access_token });
    for (const path of ["/", "/app/projects", `/app/projects/${projects[0].project_id}`, "/app/activity", "/app/badges", "/app/timeline", "/app/leaderboard", `/app/people/${session.user_id}`, "/app/notifications", "/app/settings"]) {
      await page.goto(path);
      await settled(page);
      const missed = await page.evaluate(controls);
      assert.ok(missed > 5, `${path} has ${missed} controls`);
      // As often as there are controls, and some more: lists may have grown at their end.
      for (let tabs = missed + 10; tabs > 0; tabs--) {
        await page.keyboard.press("Tab");
        const { blind, left } = await page.evaluate(reached);
        assert.equal(blind, null, `on ${path} nobody sees the focus`);
        if (left === 0) break;
      }
      assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("[data-wanted]")].map(({ outerHTML }) => outerHTML.slice(0, 120))), [], path);
    }
  },

  async "two hundred projects and five thousand entries are no burden"({ open }) {
    const session = await newcomer();
    const at = (minute) => new Date(Date.UTC(2025, 0, 1) + minute * 60_000).toISOString();
    const lines = Array.from({ length: 5000 }, (_, n) => `Project ${n % 200},${at(n * 60)},${at(n * 60 + 50)},Entry ${n}`);
    const response = await fetch(`${BASE}/time-entries/import`, {
      method: "POST",
      headers: { "Content-Type": "text/csv", Authorization: `Bearer ${session.access_token}` },
      body: ["project,start_time,end_time,note", ...lines].join("\r\n"),
    });
    assert.equal(response.status, 200, await response.clone().text());
    const { page } = await open({ session, width: 360, height: 740 });
    for (const path of ["/", "/app/activity", "/app/badges", "/app/timeline", `/app/people/${session.user_id}`]) {
      await page.goto(path);
      await settled(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the window`);
    }
    await page.goto("/app/projects");
    await settled(page);
    assert.equal(await page.locator(".project-card").count(), 200);
    await page.getByLabel("Search your projects").fill("project 19");
    await eventually(async () => (await page.locator(".project-card").count()) === 11, "those that are searched for");
    await page.goto("/app/timeline");
    const events = page.locator(".event");
    await events.first().waitFor();
    for (const least of [60, 120, 180]) await eventually(async () => {
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      // News of what was imported may have all pages read again just then: a button is there, too.
      await page.getByRole("button", { name: "Load more", exact: true }).click({ timeout: 200 }).catch(() => undefined);
      return (await events.count()) >= least;
    }, `${least} events`);
  },

  async "nothing jumps, in whatever order answers come"({ open }) {
    const session = await demo();
    const { page } = await open({ session, width: 360, height: 740 });
    await page.goto("/");
    await settled(page);
    // The first that is asked for comes last.
    let asked = 0;
    await page.route(/\/(users|time-entries|projects|badges|notifications|leaderboard|reports)\b/, async (route) => {
      if (route.request().resourceType() !== "fetch") return route.continue();
      await new Promise((resolve) => setTimeout(resolve, Math.max(60, 500 - 70 * asked++)));
      await route.continue().catch(() => undefined);
    });
    for (const path of ["/", "/app/projects", "/app/activity", "/app/badges", "/app/timeline", "/app/leaderboard", `/app/people/${session.user_id}`, "/app/notifications", "/app/settings"]) {
      asked = 0;
      // A browser that does not know the zone, nor anything else.
      await page.evaluate(() => localStorage.removeItem("timetrackr.zone"));
      await page.goto(path);
      await settled(page);
      const jumped = (await page.evaluate(() => window.shifts)).reduce((sum, value) => sum + value, 0);
      assert.ok(jumped < 0.02, `${path} jumped by ${jumped}`);
    }
  },

  async "a picture of one's own is shown, and taken away"({ open }) {
    const { page } = await open({ session: await newcomer() });
    await page.goto("/app/settings");
    await settled(page);
    const chooser = page.locator("input[type=file]");
    await chooser.setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await page.getByText("This is no picture that can be read").waitFor();
    await chooser.setInputFiles({ name: "me.png", mimeType: "image/png", buffer: await page.screenshot() });
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("Your picture is changed.").waitFor();
    for (const one of [".picture .avatar img", ".side .avatar img"]) await eventually(() => page.locator(one).evaluate((image) => image.naturalWidth === 256), `the picture in ${one}`);
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator(".picture .avatar img").waitFor({ state: "detached" });
  },

  async "somebody is found by name"({ open }) {
    const { page } = await open({ session: await demo() });
    await page.goto("/app/leaderboard");
    const field = page.getByRole("combobox", { name: "Find somebody" });
    await field.fill("MAT");
    await page.getByRole("option", { name: "mateo" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("listbox").waitFor({ state: "hidden" });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "mateo", level: 1 }).waitFor();
  },

  async "a forgotten password without a mail server is told"({ open }) {
    const { page } = await open();
    await page.goto("/");
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await page.getByLabel("Email").fill("nora@example.com");
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("This server sends no mail.").waitFor();
    await page.goto("/reset-password#token=wrong");
    await page.getByLabel("New password").fill("correct horse battery");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("This link was used before").waitFor();
    assert.equal(new URL(page.url()).hash, "");
  },

  async "keys alone are enough"({ open }) {
    const session = await newcomer("Older", "Newer");
    const { page } = await open();
    await page.goto("/");
    const type = async (text) => page.keyboard.type(text);
    await page.keyboard.press("Tab");
    await type(`${session.username}@example.com`);
    await page.keyboard.press("Tab");
    await type("correct horse battery");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Today", level: 1 }).waitFor();
    await page.locator("#timer-project option").nth(1).waitFor({ state: "attached" });
    await page.keyboard.press("2");
    await timer(page).waitFor();
    const project = () => page.locator("#timer-project").evaluate((select) => select.selectedOptions[0].text);
    assert.equal(await project(), "Older");
    await page.locator(".entry").filter({ hasText: "Older" }).waitFor();
    await ticks(page);
    await page.keyboard.press("1");
    await page.locator(".entry").filter({ hasText: "Newer" }).waitFor();
    assert.equal(await project(), "Newer");
    await ticks(page);
    await page.keyboard.press("t");
    await page.locator(".ticking-idle").waitFor();
    await page.keyboard.press("n");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    // Nothing is started by writing.
    await page.keyboard.press("n");
    await dialog.getByLabel("Note").fill("");
    await dialog.getByLabel("Note").press("t");
    assert.equal(await timer(page).count(), 0);
  },

  async "the way to the content is short"({ open }) {
    const { page } = await open({ session: await demo() });
    await page.goto("/app/badges");
    await settled(page);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");
    await page.getByRole("link", { name: "Timeline" }).first().click();
    await page.getByRole("heading", { name: "Timeline", level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  },

  async "offline is said, and nothing is lost"({ open }) {
    const { page, context } = await open({ session: await newcomer("Alone") });
    await page.goto("/");
    await settled(page);
    await context.setOffline(true);
    await page.getByText("You are offline.").waitFor();
    await page.keyboard.press("t");
    await page.getByText("No connection to the server. Nothing was changed.").waitFor();
    await page.locator(".ticking-idle").waitFor();
    await page.getByRole("link", { name: "Today" }).first().click();
    await context.setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
    await page.keyboard.press("t");
    await timer(page).waitFor();
  },

  async "after a break what was missed comes"({ open }) {
    const line = await cable();
    const session = await newcomer();
    const { page } = await open({ session, base: line.url });
    await page.goto("/");
    await settled(page);
    await line.cut();
    await page.getByText("Reconnecting.").waitFor();
    await call("POST", "/projects", { token: session.access_token, body: { name: "Meanwhile" } });
    await line.mend();
    await page.locator(".celebration-card").getByText("Founder").waitFor({ timeout: 45_000 });
    await page.getByText("Reconnecting.").waitFor({ state: "detached" });
    await line.cut();
  },

  async "a list that cannot be read says so, and is read again"({ open }) {
    const { page } = await open({ session: await demo() });
    let broken = true;
    await page.route("**/users/*/timeline*", (route) => (broken ? route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"status":500,"code":"internal","detail":"x"}' }) : route.continue()));
    await page.goto("/app/timeline");
    await page.getByText("The server cannot do this right now.").waitFor();
    broken = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".event").first().waitFor();
  },

  async "the timeline goes on without end"({ open }) {
    const { page } = await open({ session: await demo() });
    await page.goto("/app/timeline");
    await page.locator(".event").nth(29).waitFor();
    for (const least of [60, 90, 120]) {
      await page.locator(".more").scrollIntoViewIfNeeded();
      await eventually(async () => (await page.locator(".event").count()) >= least, `${least} events`);
    }
    const ids = await page.locator(".event").count();
    assert.ok(ids >= 120);
  },

  async "nothing moves for those who mind"({ open }) {
    const session = await newcomer();
    const { page } = await open({ session, motion: "reduce" });
    await page.goto("/");
    await settled(page);
    await call("POST", "/projects", { token: session.access_token, body: { name: "Still" } });
    await page.locator(".celebration-card").waitFor();
    // A canvas that was never drawn on has the size that it is born with.
    assert.equal(await page.locator(".confetti").evaluate((canvas) => canvas.width), 300);
  },

  async "a member is added, made manager, and told"({ open }) {
    const owner = await newcomer("Shared");
    const friend = await newcomer();
    const { page } = await open({ session: owner });
    const theirs = await open({ session: friend });
    await theirs.page.goto("/app/notifications");
    await theirs.page.getByText("Nothing has been told to you yet.").waitFor();
    await page.goto("/app/projects");
    await page.getByRole("link", { name: /Shared/ }).click();
    await page.getByRole("combobox", { name: "Add somebody" }).fill(friend.username.toUpperCase());
    await page.getByRole("option", { name: friend.username }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByLabel(`Role of ${friend.username}`).selectOption("manager");
    await theirs.page.getByText("You are now a contributor of Shared.").waitFor();
    await theirs.page.getByText("On Shared you are now a manager; you were a contributor.").waitFor();
    await theirs.page.getByRole("button", { name: "Mark all read" }).click();
    await eventually(async () => (await theirs.page.locator(".notice-new").count()) === 0, "all read");
    // Who is on no board is found by nobody, and added by his address.
    const shy = await newcomer();
    await call("PATCH", "/users/me", { token: shy.access_token, body: { listed: false } });
    await page.getByRole("combobox", { name: "Add somebody" }).fill(shy.username);
    await page.getByText("Nobody found").waitFor({ state: "attached" });
    await page.getByRole("combobox", { name: "Add somebody" }).fill(`${BASE}/app/people/${shy.user_id}`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel(`Role of ${shy.username}`).waitFor();
    await page.getByRole("button", { name: "Archive" }).click();
    await page.getByText("Archived: no time is tracked any more").waitFor();
  },

  async "an admin makes a badge, and a fault is told where it is"({ open }) {
    const { page } = await open({ session: await logIn(process.env.ADMIN_EMAIL, process.env.ADMIN_PASSWORD) });
    await page.goto("/app/admin");
    await page.getByRole("button", { name: "New badge" }).click();
    const dialog = page.getByRole("dialog");
    const name = `Made ${process.pid}`;
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByRole("button", { name: "Add a condition" }).click();
    const second = dialog.locator(".criteria-box").nth(1);
    await second.getByLabel("In the last days").fill("99999");
    await dialog.getByRole("button", { name: "Who would earn it now?" }).click();
    await second.getByRole("alert").waitFor();
    assert.equal(await dialog.getByRole("alert").count(), 1);
    await second.getByLabel("In the last days").fill("30");
    await dialog.getByRole("button", { name: "Who would earn it now?" }).click();
    await dialog.locator(".preview p").filter({ hasText: /would/ }).waitFor();
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: `Disable ${name}` }).click();
    await page.locator(".admin-badge").filter({ hasText: name }).getByText("disabled", { exact: true }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: `Enable ${name}` }).click();
    await page.getByRole("button", { name: `Disable ${name}` }).waitFor();
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await eventually(async () => (await page.locator(".admin-name").filter({ hasText: name }).count()) === 0, "gone");
  },

  async "mails are chosen by kind"({ open }) {
    const session = await newcomer();
    const me = async () => (await call("GET", "/users/me", { token: session.access_token })).body;
    await call("PATCH", "/users/me", { token: session.access_token, body: { email_also: ["of_an_application", "member_left"] } });
    const { page } = await open({ session });
    await page.goto("/app/settings");
    const card = page.getByRole("region", { name: "Mail" });
    await card.getByLabel("Notifications by mail").selectOption("important");
    await card.getByText("Single kinds").click();
    assert.equal(await card.getByLabel("Somebody leaves my project").inputValue(), "always");
    await card.getByLabel("A badge is earned").selectOption("always");
    await card.getByLabel("Somebody leaves my project").selectOption("rule");
    await card.getByLabel("My role changes").selectOption("never");
    await card.getByRole("button", { name: "Save" }).click();
    await card.getByText("Saved.").waitFor();
    const { email_notifications, email_also, email_never } = await me();
    assert.deepEqual([email_notifications, email_also.sort(), email_never], ["important", ["badge_awarded", "of_an_application"], ["role_changed"]]);
    await page.reload();
    await card.getByText("2 set").waitFor();
    await card.getByLabel("Notifications by mail").selectOption("none");
    await card.getByRole("button", { name: "Save" }).click();
    await card.getByText("Saved.").waitFor();
    assert.deepEqual((await me()).email_never, ["role_changed"]);
  },

  async "a new name, zone and password"({ open }) {
    const session = await newcomer("Mine");
    const { page } = await open({ session });
    await page.goto("/app/settings");
    await page.getByLabel("Name").fill(`${session.username}-new`);
    await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await page.getByLabel("On public boards").uncheck();
    await page.getByRole("region", { name: "Profile" }).getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.locator(".side .account-name").filter({ hasText: "-new" }).waitFor();
    const { body: me } = await call("GET", "/users/me", { token: session.access_token });
    assert.deepEqual([me.username, me.timezone, me.listed], [`${session.username}-new`, "Asia/Tokyo", false]);
    await page.getByLabel("Current password").fill("wrong wrong wrong");
    await page.getByLabel("New password").fill("another correct horse");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("That is not your current password.").waitFor();
    await page.getByLabel("Current password").fill("correct horse battery");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    await logIn(`${session.username}@example.com`, "another correct horse");
  },
};

if (process.argv[2] === "--list") console.log(JSON.stringify(Object.keys(checks)));
else await run(checks[process.argv[2]]);
