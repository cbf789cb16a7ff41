/**
 * Compiles the package's Lightning web components for the console, into `<dist>/assets/lwc/`.
 *
 *   <component>-<hash>.js   a component that the package exposes: `mount(element, properties)`
 *   host-<hash>.js          what components stand on: `provide(...)`, to be called before a component is loaded
 *   tokens-<hash>.css       the design system's custom properties that base components read
 *   components.json         for each component: its script, the hash of the source of every bundle in it, the custom
 *                           labels and Apex classes it imports
 *   aura-<component>-<hash>.js  the console's own twin of an Aura component that works in the background (`src/aura/`);
 *                           in components.json by its name, with the hash of the source that it is the twin of
 *   <package>-LICENSE*      the terms of the packages that are compiled in, which ask to be in all copies
 *
 * What runs must be what is deployed: the org shows a component only where the sources it holds have these hashes.
 * `lightning/*` and `@salesforce/*` end in `src/lightning/`; an import that nothing answers fails the build.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { gzipSync } from "node:zlib";
import lwc from "@lwc/rollup-plugin";
import { rollup } from "rollup";
import ts from "typescript";
import { minify } from "rolldown/utils";

const root = path.resolve(import.meta.dirname, "..");
export const BUNDLES = path.resolve(root, "../sfdx/force-app/main/default/lwc");
const AURA = path.resolve(BUNDLES, "../aura");
const auraTwins = path.join(root, "src/aura");
const runtime = path.join(root, "src/lightning");
const LIMIT = 600_000;

const ours = (name) => path.join(runtime, `${name}.ts`);
const MODULES = {
  "lightning/uiRecordApi": ours("uiRecordApi"),
  "lightning/messageService": ours("messageService"),
  "lightning/navigation": ours("navigation"),
  "lightning/platformShowToastEvent": ours("platformShowToastEvent"),
};

/** The files of a bundle that a deployment carries as its source, by path in the bundle. */
async function sourceFiles(bundle, folder = BUNDLES) {
  const entries = await readdir(path.join(folder, bundle), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(path.join(folder, bundle), path.join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith("__tests__") && /\.(js|html|css|cmp)$/.test(name))
    .sort();
}

/** The hash of a bundle's source, as the org computes it too (`crm/lightning/bundles.py`). */
async function sourceHash(bundle, folder = BUNDLES) {
  const hash = createHash("sha256");
  for (const name of await sourceFiles(bundle, folder)) {
    const content = await readFile(path.join(folder, bundle, name));
    hash.update(`${name}\0${createHash("sha256").update(content).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

/** All sources of components, for the build's stamp. */
export async function componentSources() {
  if (!existsSync(BUNDLES)) return [];
  const found = [];
  for (const bundle of (await readdir(BUNDLES)).sort()) {
    if (!existsSync(path.join(BUNDLES, bundle, `${bundle}.js-meta.xml`))) continue;
    found.push(path.join(BUNDLES, bundle, `${bundle}.js-meta.xml`));
    for (const name of await sourceFiles(bundle)) found.push(path.join(BUNDLES, bundle, name));
  }
  return found;
}

/** Aura components that have a twin here: every file that the twin's entry depends on. */
async function backgrounds() {
  if (!existsSync(AURA)) return [];
  const found = [];
  for (const bundle of (await readdir(AURA)).sort()) {
    const twin = path.join(auraTwins, `${bundle}.ts`);
    if (!existsSync(twin)) continue;
    const sources = await sourceFiles(bundle, AURA);
    found.push({ bundle, twin, files: [twin, ...sources.map((name) => path.join(AURA, bundle, name))] });
  }
  return found;
}

/** Bundles that pages may show: those that say `isExposed`. */
async function exposed() {
  const found = [];
  for (const bundle of (await readdir(BUNDLES)).sort()) {
    const file = path.join(BUNDLES, bundle, `${bundle}.js-meta.xml`);
    const text = await readFile(file, "utf8").catch(() => "");
    if (/<isExposed>\s*true\s*<\/isExposed>/.test(text)) found.push(bundle);
  }
  return found;
}

const tagOf = (bundle) => `c-${bundle.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Answers `@salesforce/*`, and what of `lightning/*` is ours; entries too. */
function salesforce() {
  const require = createRequire(path.join(root, "package.json"));
  const base = path.dirname(require.resolve("lightning-base-components/package.json"));
  const shipped = new Map();
  return {
    name: "tieline-salesforce",
    async buildStart() {
      const { lwc: settings } = JSON.parse(await readFile(path.join(base, "package.json"), "utf8"));
      for (const each of settings.modules) if (each.name) shipped.set(each.name, path.join(base, each.path));
    },
    resolveId(id, importer) {
      if (id.startsWith("entry:") || id.startsWith("@salesforce/")) return `\0${id}`;
      if (id in MODULES) return MODULES[id];
      const [, space, name] = /^(c|lightning)\/(\w+)$/.exec(id) ?? [];
      if (space === "c") return path.join(BUNDLES, name, `${name}.js`);
      if (space === "lightning") {
        if (name.startsWith("iconSvgTemplates"))
          return `\0icons:${name.slice("iconSvgTemplates".length).toLowerCase()}`;
        const module = path.join(base, "src/lightning", name, name);
        return existsSync(`${module}.js`) ? `${module}.js` : `${module}.css`;
      }
      // Packages are found from here, not from the component's folder.
      const elsewhere = importer !== undefined && (importer.startsWith("\0") || importer.startsWith(BUNDLES));
      if (elsewhere && /^[\w@]/.test(id)) return this.resolve(id, ours("host"), { skipSelf: true });
      return null;
    },
    async load(id) {
      if (!id.startsWith("\0")) return null;
      const name = id.slice(1);
      if (name.startsWith("entry:")) {
        const bundle = name.slice("entry:".length);
        return `import { createElement } from "lwc";
import Component from "c/${bundle}";
export function mount(into, properties = {}) {
  const element = createElement(${JSON.stringify(tagOf(bundle))}, { is: Component });
  Object.assign(element, properties);
  into.append(element);
  return () => element.remove();
}`;
      }
      if (name.startsWith("icons:")) return iconTemplates(name.slice("icons:".length));
      return name.startsWith("@salesforce/") ? answer(name) : null;
    },
  };

  /** The icons of a set that components name: all of them would be ten times as much as everything else. */
  async function iconTemplates(set) {
    const found = new Set();
    const parts = await readdir(path.join(base, "src/lightning"));
    for (const part of parts.filter((each) => !each.startsWith("iconSvg")))
      for (const extension of ["js", "html"])
        await named(path.join(base, "src/lightning", part, `${part}.${extension}`), set, found);
    for (const file of await componentSources()) await named(file, set, found);
    const folder = path.join(base, "src/lightning", `iconSvgTemplates${set[0].toUpperCase()}${set.slice(1)}`);
    const there = [...found].filter((icon) =>
      existsSync(path.join(folder, "buildTemplates", set, `${icon}.html`)),
    );
    const imports = there.map((icon) => {
      const file = path.join(folder, "buildTemplates", set, `${icon}.html`);
      return `import { default as ${set}_${icon} } from ${JSON.stringify(file)};`;
    });
    return `${imports.join("\n")}\nexport default { ${there.map((icon) => `${set}_${icon}`).join(", ")} };`;
  }

  async function named(file, set, found) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const [, icon] of text.matchAll(new RegExp(`["'\`]${set}:([a-z_0-9]+)["'\`]`, "g"))) found.add(icon);
  }

  async function answer(name) {
    const [, kind, ...rest] = name.split("/");
    const what = rest.join("/");
    const from = (file, imported, expression) =>
      `import { ${imported} } from ${JSON.stringify(ours(file))};\nexport default ${expression};`;
    if (kind === "label" && what.startsWith("c."))
      return from("host", "label", `label(${JSON.stringify(what.slice(2))})`);
    if (kind === "apex") {
      const [className, method] = what.split(".");
      return from(
        "apex",
        "apexMethod",
        `apexMethod(${JSON.stringify(className)}, ${JSON.stringify(method)})`,
      );
    }
    if (kind === "schema") {
      const [object, ...field] = what.split(".");
      return field.length === 0
        ? from("host", "apiName", `{ objectApiName: apiName(${JSON.stringify(object)}) }`)
        : from(
            "host",
            "schemaField",
            `schemaField(${JSON.stringify(object)}, ${JSON.stringify(field.join("."))})`,
          );
    }
    if (kind === "messageChannel") return from("host", "apiName", `apiName(${JSON.stringify(what)})`);
    if (name === "@salesforce/user/Id") return from("host", "host", "host().userId");
    if (name === "@salesforce/i18n/lang") return from("host", "host", `host().language.replace("_", "-")`);
    if (name === "@salesforce/i18n/locale") return from("host", "host", `host().locale.replace("_", "-")`);
    if (name === "@salesforce/i18n/timeZone") return from("host", "host", "host().timeZone");
    const file = shipped.get(name);
    if (file === undefined) throw new Error(`nothing answers the import ${name}`);
    if (kind === "label") {
      const english = /default\s+(".*"|'.*')/s.exec(await readFile(file, "utf8"))?.[1];
      if (english !== undefined)
        return from("baseLabels", "baseLabel", `baseLabel(${JSON.stringify(what)}, ${english})`);
    }
    return readFile(file, "utf8");
  }
}

/** Our own modules are TypeScript; Lightning's run in browsers only. */
function plain() {
  return {
    name: "tieline-plain",
    async transform(code, id) {
      if (id.startsWith(runtime)) {
        const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
        return { code: ts.transpileModule(code, { compilerOptions: options }).outputText, map: null };
      }
      if (id.includes("/@lwc/engine-dom/")) code = withoutInlineStyles(code);
      const made = code
        .replaceAll("import.meta.env.SSR", "false")
        .replaceAll("process.env.NODE_ENV", JSON.stringify("production"));
      return made === code ? null : { code: made, map: null };
    },
    async renderChunk(code, chunk) {
      return { code: (await minify(chunk.fileName, code)).code, map: null };
    },
  };
}

/** The console's policy forbids style elements and style attributes: the engine goes the ways that scripts may go. */
function withoutInlineStyles(code) {
  const changes = [
    [
      "const cacheData = getCacheData(content, false);\n    if (cacheData.global)",
      "const cacheData = getCacheData(content, true);\n    if (cacheData.global)",
    ],
    [
      "insertStyleElement(content, document.head, cacheData, signal)",
      "insertConstructableStylesheet(content, document, cacheData, signal)",
    ],
    ["setAttribute(elm, 'style', newStyle)", "elm.style.cssText = newStyle"],
  ];
  for (const [before, after] of changes) {
    if (!code.includes(before)) throw new Error(`the engine has changed: ${before}`);
    code = code.replace(before, after);
  }
  return code;
}

/**
 * The design system's custom properties that base components read, with those that these read. The console's own
 * style sheet has only what the console reads.
 */
async function tokens(code) {
  const file = "assets/styles/salesforce-lightning-design-system.min.css";
  const css = await readFile(path.join(root, "node_modules/@salesforce-ux/design-system", file), "utf8");
  const values = new Map();
  for (const [, selector, body] of css.matchAll(/([^{}]+)\{([^{}]*)\}/g))
    if (/(:root|:where\(html\))\s*$/.test(selector))
      for (const [, name, value] of body.matchAll(/(--[\w-]+):([^;]*)/g)) values.set(name, value);
  const wanted = new Set();
  const visit = (text) => {
    for (const [, name] of text.matchAll(/var\(\s*(--[\w-]+)/g)) {
      if (wanted.has(name) || !values.has(name)) continue;
      wanted.add(name);
      visit(values.get(name));
    }
  };
  visit(code);
  const lines = [...wanted].sort().map((name) => `${name}:${values.get(name)};`);
  return `:root{${lines.join("")}}`;
}

/** Everything a chunk needs, itself included. */
function closure(chunk, chunks) {
  const seen = new Set();
  const visit = (fileName) => {
    if (seen.has(fileName)) return;
    seen.add(fileName);
    for (const next of chunks.get(fileName)?.imports ?? []) visit(next);
  };
  visit(chunk.fileName);
  return [...seen].map((fileName) => chunks.get(fileName));
}

/** Everything that the result depends on. */
async function stamp() {
  const own = (await readdir(runtime)).map((name) => path.join(runtime, name));
  const hash = createHash("sha256");
  const twins = (await backgrounds()).flatMap((each) => each.files);
  for (const file of [...own.sort(), ...(await componentSources()), ...twins])
    hash.update(file).update(await readFile(file));
  for (const file of ["scripts/lwc.mjs", "package-lock.json"])
    hash.update(await readFile(path.join(root, file)));
  return hash.digest("hex").slice(0, 20);
}

/** Builds into `dist`, from the cache where nothing has changed. */
export async function components(dist) {
  const into = path.join(dist, "assets/lwc");
  const caches = path.join(root, "node_modules/.cache/tieline-lwc");
  const cache = path.join(caches, await stamp());
  if (!existsSync(path.join(cache, "components.json"))) {
    await rm(caches, { recursive: true, force: true });
    await compile(cache);
  }
  await cp(cache, into, { recursive: true });
  for (const [name, file] of [
    ["lightning-base-components", "LICENSE.txt"],
    ["lwc", "LICENSE.md"],
  ])
    await cp(path.join(root, "node_modules", name, file), path.join(into, `${name}-${file}`));
}

async function compile(into) {
  const names = existsSync(BUNDLES) ? await exposed() : [];
  const entries = Object.fromEntries(names.map((name) => [name, `entry:${name}`]));
  const bundle = await rollup({
    input: { host: ours("host"), ...entries },
    preserveEntrySignatures: "strict",
    onwarn(warning) {
      // Base components are as they are shipped; what is ours compiles without a warning.
      const about = `${warning.loc?.file ?? ""} ${warning.id ?? ""} ${warning.message}`;
      if (!about.includes("lightning-base-components")) throw new Error(about);
    },
    plugins: [
      salesforce(),
      plain(),
      lwc({
        rootDir: BUNDLES,
        modules: [{ npm: "lightning-base-components" }],
        exclude: [path.join(runtime, "**")],
        disableSyntheticShadowSupport: true,
      }),
    ],
  });
  const { output } = await bundle.write({
    dir: into,
    format: "es",
    entryFileNames: "[name]-[hash].js",
    chunkFileNames: "shared-[hash].js",
    minifyInternalExports: true,
  });
  await bundle.close();
  const chunks = new Map(output.filter((each) => each.type === "chunk").map((each) => [each.fileName, each]));
  const styles = await tokens([...chunks.values()].map((each) => each.code).join("\n"));
  const sheet = `tokens-${createHash("sha256").update(styles).digest("hex").slice(0, 10)}.css`;
  await writeFile(path.join(into, sheet), styles);
  const manifest = { host: "", styles: sheet, components: {}, backgrounds: await compileBackgrounds(into) };
  for (const chunk of chunks.values()) {
    if (!chunk.isEntry) continue;
    if (chunk.name === "host") {
      manifest.host = chunk.fileName;
      continue;
    }
    const parts = closure(chunk, chunks);
    const modules = parts.flatMap((part) => part.moduleIds);
    const imported = (start) =>
      [...new Set(modules.filter((id) => id.startsWith(start)).map((id) => id.slice(start.length)))].sort();
    const bundles = {};
    for (const id of modules) {
      const inside = path.relative(BUNDLES, id.split("?")[0]);
      if (id.startsWith("\0") || inside.startsWith("..")) continue;
      const name = inside.split(path.sep)[0];
      bundles[name] ??= await sourceHash(name);
    }
    const size = parts.reduce((sum, part) => sum + gzipSync(part.code).length, 0);
    if (size > LIMIT) throw new Error(`${chunk.name}: ${size} bytes (gzip) are more than ${LIMIT}`);
    console.log(`${chunk.name}: script ${Math.round(size / 1000)} kB (gzip, on its own pages)`);
    manifest.components[chunk.name] = {
      script: chunk.fileName,
      bundles,
      labels: imported("\0@salesforce/label/c."),
      classes: [...new Set(imported("\0@salesforce/apex/").map((each) => each.split(".")[0]))],
    };
  }
  await writeFile(path.join(into, "components.json"), JSON.stringify(manifest, null, 1));
}

/** Twins stand alone: they import types only. */
async function compileBackgrounds(into) {
  const compiled = {};
  for (const { bundle, twin } of await backgrounds()) {
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const plain = ts.transpileModule(await readFile(twin, "utf8"), { compilerOptions: options }).outputText;
    const { code } = await minify(`${bundle}.js`, plain);
    if (/^\s*import\b/m.test(code)) throw new Error(`${bundle}: a twin imports types only`);
    const script = `aura-${bundle}-${createHash("sha256").update(code).digest("hex").slice(0, 10)}.js`;
    await writeFile(path.join(into, script), code);
    compiled[bundle] = { script, source: await sourceHash(bundle, AURA) };
  }
  return compiled;
}
