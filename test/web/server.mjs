// Starts Debian's Chromium once for all scripts, and prints where they find it.
import { chromium } from "playwright-core";

const server = await chromium.launchServer({
  executablePath: process.env.TIMETRACKR_CHROMIUM,
  args: ["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--force-color-profile=srgb"],
});
process.on("SIGTERM", () => void server.close().then(() => process.exit(0)));
console.log(server.wsEndpoint());
