// A picture of one's own where the server has an account at Cloudinary, whose part
// is played here: it is sent there, shown from there, and nothing else is.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { call, eventually, run, settled, signUp } from "./browser.mjs";

const CLOUD = process.env.CLOUDINARY_CLOUD_NAME;
const UPLOAD = `https://api.cloudinary.com/v1_1/${CLOUD}/image/upload`;
const VERSION = 1700000000;

await run(async ({ open }) => {
  const session = await signUp(`cloud-${process.pid}`);
  const { page } = await open({ session, hosts: ["api.cloudinary.com", "res.cloudinary.com"] });
  const picture = Buffer.from(await page.screenshot());
  const place = `timetrackr/avatars/${session.user_id}`;
  let sent;
  await page.route(UPLOAD, async (route) => {
    sent = route.request().postDataBuffer().toString("latin1");
    const signature = createHash("sha1").update(`public_id=${place}&version=${VERSION}${process.env.CLOUDINARY_API_SECRET}`).digest("hex");
    await route.fulfill({ headers: { "Access-Control-Allow-Origin": "*" }, json: { public_id: place, version: VERSION, signature } });
  });
  await page.route("https://res.cloudinary.com/**", (route) => route.fulfill({ contentType: "image/png", body: picture }));

  await page.goto("/app/settings");
  await page.locator("input[type=file]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: picture });
  await page.getByRole("button", { name: "Use it" }).click();
  await page.getByText("Your picture is changed.").waitFor();
  for (const one of [".picture .avatar img", ".side .avatar img"])
    await eventually(() => page.locator(one).evaluate((image) => image.src.startsWith("https://res.cloudinary.com/") && image.naturalWidth > 0), `the picture in ${one}`);
  for (const [name, value] of [["public_id", place], ["allowed_formats", "gif,jpg,png,webp"]]) assert.ok(sent.includes(`name="${name}"\r\n\r\n${value}\r\n`), name);
  assert.ok(sent.includes("\x89PNG"));
  const { body: me } = await call("GET", "/users/me", { token: session.access_token });
  assert.match(me.avatar_url, new RegExp(`^https://res\\.cloudinary\\.com/${CLOUD}/.*/v${VERSION}/${place}$`));

  // It is shown to others, too, and taken away as any other.
  await page.goto(`/app/people/${session.user_id}`);
  await settled(page);
  assert.ok(await page.locator(".facts .avatar img").evaluate((image) => image.naturalWidth > 0));
  await page.goto("/app/settings");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.locator(".picture .avatar img").waitFor({ state: "detached" });
});
