// How the app is built. Assets are named by their content, below /assets/,
// which the proxy takes for good for ever; nothing is inlined, since the page
// may use nothing but files of its own host.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const api = process.env.API_URL ?? "http://127.0.0.1:3000";
const paths = ["auth", "users", "projects", "time-entries", "events", "reports", "badges", "notifications", "leaderboard", "media"];

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: [".."] },
    proxy: {
      [`^/(${paths.join("|")})(/|\\?|$)`]: api,
      "/live": { target: api, ws: true },
    },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
  },
});
