// Single promises of the app, one by its name: checks.mjs NAME.
import assert from "node:assert/strict";
import net from "node:net";
import { BASE, call, eventually, logIn, run, settled, signUp } from "./browser.mjs";

const demo = () => logIn(process.env.DEMO_EMAIL, process.env.DEMO_PASSWORD);
const timer = (page) => page.getByRole("timer");
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
    // A second later, since a timer of no length is none.
    await page.waitForFunction(() => /0:00:0[1-9]/.test(document.title));
    await page.keyboard.press("1");
    await page.locator(".entry").filter({ hasText: "Newer" }).waitFor();
    assert.equal(await project(), "Newer");
    await page.waitForFunction(() => /0:00:0[1-9]/.test(document.title));
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
    await page.getByLabel("Add somebody").fill(`${BASE}/app/people/${friend.user_id}`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel(`Role of ${friend.username}`).selectOption("manager");
    await theirs.page.getByText("You are now a contributor of Shared.").waitFor();
    await theirs.page.getByText("On Shared you are now a manager; you were a contributor.").waitFor();
    await theirs.page.getByRole("button", { name: "Mark all read" }).click();
    await eventually(async () => (await theirs.page.locator(".notice-new").count()) === 0, "all read");
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
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await eventually(async () => (await page.locator(".admin-name").filter({ hasText: name }).count()) === 0, "gone");
  },

  async "a new name, zone and password"({ open }) {
    const session = await newcomer("Mine");
    const { page } = await open({ session });
    await page.goto("/app/settings");
    await page.getByLabel("Name").fill(`${session.username}-new`);
    await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await page.getByLabel("On public boards").uncheck();
    await page.getByRole("button", { name: "Save" }).click();
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
