import { defineConfig } from "vitest/config";

// `npm run dev` serves the sources and asks a backend on its default port.
const BACKEND = "http://127.0.0.1:8000";

export default defineConfig({
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", proxy: { "/v1": BACKEND } },
  test: { environment: "happy-dom", testTimeout: 30_000, include: ["tests/**/*.test.{ts,tsx}"] },
});
