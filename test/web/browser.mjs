// Windows of a browser that watch what the app does: nothing may be asked of
// another host, refused by the page's policy, or left as an error.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const BASE = process.env.TIMETRACKR_URL;
export const ZONE = "Europe/Berlin";

/** Ask until it holds. */
export async function eventually(condition, what, seconds = 45) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `${what} not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Run with a browser, and end with what went wrong. */
export async function run(work) {
  const browser = await chromium.connect(process.env.TIMETRACKR_BROWSER);
  const watched = [];
  try {
    await work({ open: (options) => open(browser, watched, options) });
    for (const { page, faults } of watched) if (!page.isClosed()) assert.deepEqual(faults, []);
  } catch (error) {
    const faults = watched.flatMap((one) => one.faults);
    console.error(error);
    if (faults.length > 0) console.error("the browser said:", faults);
    for (const [index, { page }] of watched.entries())
      if (!page.isClosed()) await page.screenshot({ path: `${process.env.TIMETRACKR_SHOTS}/failed-${index}.png` }).catch(() => undefined);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

async function open(browser, watched, { width = 1280, height = 800, motion = "no-preference", base = BASE, session, hosts = [] } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: { width, height }, colorScheme: "light", reducedMotion: motion, locale: "en-GB", timezoneId: ZONE, acceptDownloads: true });
  context.setDefaultTimeout(45_000);
  if (session) await seed(context, session);
  const page = await context.newPage();
  const own = [new URL(base).host, ...hosts];
  watch(page, own, watched);
  return { context, page, watch: (other) => watch(other, own, watched) };
}

/** Be signed in from the first page on. Later the app's own tokens are left alone. */
async function seed(context, { refresh_token, user_id, username, role }) {
  await context.addInitScript((kept) => {
    if (localStorage.getItem("seeded") !== null) return;
    localStorage.setItem("seeded", "yes");
    localStorage.setItem("timetrackr.session", kept);
  }, JSON.stringify({ refresh_token, user_id, username, role }));
}

function watch(page, hosts, watched) {
  const faults = [];
  watched.push({ page, faults });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Refusals of the API are part of many stories; the browser logs each.
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource|WebSocket connection to/.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && !hosts.includes(url.host)) faults.push(`asked another host: ${request.url()}`);
  });
  // What moves without anybody having done something.
  void page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
    }).observe({ type: "layout-shift", buffered: true });
  });
}

export async function call(method, path, { token, body, base = BASE } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

export async function logIn(email, password) {
  const { status, body } = await call("POST", "/auth/login", { body: { email, password } });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

export async function signUp(username) {
  const { status, body } = await call("POST", "/auth/signup", { body: { email: `${username}@example.com`, password: "correct horse battery", username, timezone: ZONE } });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

/** The page has come to rest: nothing loads, nothing is asked for. */
export async function settled(page) {
  await page.waitForLoadState("networkidle");
  await page.locator(".skeletons").first().waitFor({ state: "detached" });
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => undefined))));
}
