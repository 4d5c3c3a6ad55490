// The whole story of somebody, in a browser: signing up, a project, the timer,
// a badge, a board that moves before somebody else, editing, export, the end.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ZONE, call, eventually, logIn, run, settled } from "./browser.mjs";

const NAME = `nora-${process.pid}`;
const EMAIL = `${NAME}@example.com`;
const PASSWORD = "correct horse battery";

await run(async ({ open }) => {
  const { page } = await open();
  const other = await open({ session: await logIn(process.env.DEMO_EMAIL, process.env.DEMO_PASSWORD) });
  const button = (name, on = page) => on.getByRole("button", { name, exact: true });

  // She signs up; what is wrong is told at its field.
  await page.goto("/");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Email").fill(EMAIL);
  await page.getByLabel("Password", { exact: true }).fill("short");
  await button("Sign up").click();
  await page.getByRole("alert").filter({ hasText: /password/i }).waitFor();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await button("Sign up").click();
  await page.getByRole("heading", { name: "Today", level: 1 }).waitFor();

  // A project. The badge for the first one comes by itself.
  await page.getByRole("link", { name: "Begin with a project" }).click();
  await button("Create your first project").click();
  await page.getByLabel("Name").fill("Lighthouse");
  await page.getByLabel("Description").fill("Keeping the light on.");
  await page.getByText("Public", { exact: true }).click();
  await button("Create").click();
  await page.getByRole("heading", { name: "Lighthouse", level: 1 }).waitFor();
  const celebration = page.locator(".celebration-card");
  await celebration.getByText("Founder").waitFor();
  await page.keyboard.press("Escape");
  await celebration.waitFor({ state: "detached" });

  // The timer, by its key: it ticks, and stopping it earns another badge.
  await page.keyboard.press("t");
  await page.getByRole("timer").waitFor();
  const seconds = async () => page.getByRole("timer").innerText();
  const first = await seconds();
  await eventually(async () => (await seconds()) !== first, "a tick");
  assert.match(await page.title(), /^0:00:\d\d · Lighthouse · TimeTrackr$/);
  await page.keyboard.press("t");
  await celebration.getByText("First Steps").waitFor();
  await button("Nice").click();

  // Somebody else watches the board while she adds an hour by hand.
  const watcher = other.page;
  await watcher.goto("/app/leaderboard");
  await watcher.getByText("All time", { exact: true }).click();
  await settled(watcher);
  await page.goto("/");
  await button("Add entry").click();
  const dialog = page.getByRole("dialog");
  const yesterday = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE }).format(Date.now() - 24 * 3600_000);
  for (const label of ["Start day", "End day"]) await dialog.getByLabel(label).fill(yesterday);
  await dialog.getByLabel("Start time").fill("10:00");
  await dialog.getByLabel("End time").fill("09:00");
  await button("Save", dialog).click();
  await dialog.getByText("The end must lie after the start.").waitFor();
  await dialog.getByLabel("End time").fill("11:00");
  await dialog.getByLabel("Tags").fill("lamp, lens");
  await button("Save", dialog).click();
  await dialog.waitFor({ state: "detached" });
  const row = watcher.locator(".board-row").filter({ hasText: NAME });
  await row.getByText("1 h", { exact: true }).waitFor();

  // She mends it: by the form, and by an edge.
  await button("Day before").click();
  await page.getByText("lens").waitFor();
  await button("Edit Lighthouse, 10:00").click();
  await dialog.getByLabel("Note").fill("Cleaned the lens");
  await button("Save", dialog).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".entry").getByText("Cleaned the lens").waitFor();
  const edge = page.getByRole("slider", { name: "End of Lighthouse" });
  const box = await edge.boundingBox();
  const strip = await page.locator(".strip-area").boundingBox();
  const hour = strip.width / 10;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + hour, box.y + 5, { steps: 8 });
  await page.mouse.up();
  await eventually(async () => (await edge.getAttribute("aria-valuetext")) === "12:00", "the end at noon");
  await page.locator(".entry").getByText("2 h", { exact: true }).waitFor();
  await row.getByText("2 h", { exact: true }).waitFor();
  await edge.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.locator(".entry").getByText("1 h 50 min").waitFor();
  await button("Undo").last().click();
  await page.locator(".entry").getByText("2 h", { exact: true }).waitFor();

  // What the server kept is what was shown.
  const { access_token, user_id } = await logIn(EMAIL, PASSWORD);
  const { body: entries } = await call("GET", "/time-entries", { token: access_token });
  const long = entries.find(({ note }) => note === "Cleaned the lens");
  assert.equal(long.duration_seconds, 7200);
  assert.deepEqual(long.tags, ["lamp", "lens"]);

  // All of it as a file.
  await page.goto("/app/settings");
  const [file] = await Promise.all([page.waitForEvent("download"), button("Everything as JSON").click()]);
  const folder = await mkdtemp(join(tmpdir(), "export-"));
  await file.saveAs(join(folder, "all.json"));
  const exported = JSON.parse(await readFile(join(folder, "all.json"), "utf8"));
  await rm(folder, { recursive: true });
  assert.ok(JSON.stringify(exported).includes("Cleaned the lens"));
  assert.equal(file.suggestedFilename(), `timetrackr-${NAME}.json`);

  // And the end, which needs the right password.
  await button("Delete account").click();
  await dialog.getByLabel("Your password").fill("not her password");
  await button("Delete everything", dialog).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("Your password").fill(PASSWORD);
  await button("Delete everything", dialog).click();
  await page.getByRole("heading", { name: "Welcome back" }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("timetrackr.session")), null);
  await row.waitFor({ state: "detached" });
  assert.equal((await call("POST", "/auth/login", { body: { email: EMAIL, password: PASSWORD } })).status, 401);
  assert.equal((await call("GET", `/users/${user_id}/profile`)).status, 404);
});
