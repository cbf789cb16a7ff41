/**
 * Builds every page and script of the web part into `dist/`:
 *
 *   dist/{portal,callbar,phone,console}.html   pages, filled in by the Python servers
 *   dist/assets/                               scripts and styles with a content hash in their names
 *   dist/opencti_min.js                        the Open CTI script as one classic script (global sforce.opencti)
 *   dist/assets/lwc/                           the package's Lightning web components (`lwc.mjs`)
 *   dist/slds/icons/*-sprite/svg/symbols.svg   icons of the design system, as shipped
 *
 * `TIELINE_WEB_PAGES=console` builds only some pages, `TIELINE_WEB_OUT=<folder>` puts the result elsewhere.
 * Nothing is done when no source changed since the last build; `--force` builds anyway.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { BROWSERS } from "./browsers.mjs";
import { components, componentSources } from "./lwc.mjs";

const root = path.resolve(import.meta.dirname, "..");
const dist = path.resolve(root, process.env.TIELINE_WEB_OUT ?? "dist");
const stampFile = path.join(dist, ".stamp");

/** So much script (gzip) a page may load at first. */
const MOST_SCRIPT = 300_000;
/** So much style sheet; the design system with nothing left out is about three times as large. */
const MOST_STYLES = 50_000;

async function inputs() {
  const files = [
    "package-lock.json",
    "vite.config.ts",
    "scripts/browsers.mjs",
    "scripts/build.mjs",
    "scripts/lwc.mjs",
    "scripts/slds.mjs",
  ];
  for (const entry of await readdir(root)) if (entry.endsWith(".html")) files.push(entry);
  for (const folder of ["src", "icons"]) {
    const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || /\.test\.tsx?$|\.md$/.test(entry.name)) continue;
      files.push(path.relative(root, path.join(entry.parentPath, entry.name)));
    }
  }
  for (const file of await componentSources()) files.push(path.relative(root, file));
  return files.sort();
}

async function stamp() {
  const hash = createHash("sha256");
  for (const file of await inputs()) hash.update(`${file}\n`).update(await readFile(path.join(root, file)));
  return hash.digest("hex");
}

async function icons() {
  const shipped = path.join(root, "node_modules/@salesforce-ux/design-system/assets/icons");
  const target = path.join(dist, "slds/icons");
  await mkdir(target, { recursive: true });
  for (const kind of ["standard", "utility", "custom"]) {
    await mkdir(path.join(target, `${kind}-sprite/svg`), { recursive: true });
    const sprite = `${kind}-sprite/svg/symbols.svg`;
    await cp(path.join(shipped, sprite), path.join(target, sprite));
  }
  await cp(path.join(shipped, "License-for-icons.txt"), path.join(target, "License-for-icons.txt"));
  await cp(path.join(root, "icons/ATTRIBUTION.md"), path.join(dist, "slds/ATTRIBUTION.md"));
  await cp(path.join(root, "icons/favicon.svg"), path.join(dist, "slds/favicon.svg"));
}

async function openCti(logLevel) {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel,
    build: {
      target: BROWSERS,
      outDir: dist,
      emptyOutDir: false,
      lib: {
        entry: path.join(root, "src/opencti/script.ts"),
        formats: ["iife"],
        name: "tielineOpenCti",
        fileName: () => "opencti_min.js",
      },
    },
  });
}

async function sizes() {
  const manifest = JSON.parse(await readFile(path.join(dist, "assets/manifest.json"), "utf8"));
  const size = async (file) => gzipSync(await readFile(path.join(dist, file))).length;
  for (const [source, chunk] of Object.entries(manifest)) {
    if (!chunk.isEntry) continue;
    const seen = new Set();
    const visit = (key) => {
      const each = manifest[key];
      if (!each || seen.has(each.file)) return;
      seen.add(each.file);
      for (const css of each.css ?? []) seen.add(css);
      for (const next of each.imports ?? []) visit(next);
    };
    visit(source);
    let script = 0;
    let styles = 0;
    for (const file of seen) {
      if (file.endsWith(".css")) styles += await size(file);
      else script += await size(file);
    }
    // Components of packages stand on an engine of their own, which only their pages load.
    for (const file of seen)
      if (file.endsWith(".js") && (await readFile(path.join(dist, file), "utf8")).includes("@lwc/"))
        throw new Error(`${source} loads Lightning web components: ${file}`);
    const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
    if (script > MOST_SCRIPT)
      throw new Error(
        `${source} loads ${kilobytes(script)} of script at first, more than ${kilobytes(MOST_SCRIPT)}`,
      );
    if (styles > MOST_STYLES)
      throw new Error(
        `${source} loads ${kilobytes(styles)} of styles, more than ${kilobytes(MOST_STYLES)}: are they cut down?`,
      );
    console.log(`${source}: script ${kilobytes(script)}, styles ${kilobytes(styles)} (gzip, at first load)`);
  }
}

const wanted = await stamp();
const current = await readFile(stampFile, "utf8").catch(() => "");
if (wanted === current && !process.argv.includes("--force")) {
  console.log("web: up to date");
} else {
  const logLevel = process.argv.includes("--verbose") ? "info" : "warn";
  await rm(stampFile, { force: true });
  await build({ root, configFile: path.join(root, "vite.config.ts"), logLevel });
  await Promise.all([openCti(logLevel), icons(), components(dist)]);
  await sizes();
  await writeFile(stampFile, wanted);
}
