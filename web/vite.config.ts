import react from "@vitejs/plugin-react";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BROWSERS } from "./scripts/browsers.mjs";
import { slds } from "./scripts/slds.mjs";

const ENTRIES = ["portal", "callbar", "phone", "console"];

/** Pages whose html exists; `TIELINE_WEB_PAGES=console,callbar` builds only those. */
const chosen = process.env["TIELINE_WEB_PAGES"]?.split(",") ?? ENTRIES;
const pages: Record<string, string> = {};
for (const name of chosen) {
  const file = resolve(import.meta.dirname, `${name}.html`);
  if (existsSync(file)) pages[name] = file;
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), slds()],
  publicDir: false,
  build: {
    target: BROWSERS,
    outDir: process.env["TIELINE_WEB_OUT"] ?? "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    manifest: "assets/manifest.json",
    // The minifier drops declarations of the design system that it takes for duplicates.
    cssMinify: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: pages,
    },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node",
    restoreMocks: true,
  },
});
