/**
 * Salesforce Lightning Design System 1, cut down to what an area of ours uses.
 *
 * `import "virtual:slds/<area>.css"` gives the design system's style sheet without the rules whose classes
 * appear neither in `src/<area>/**`, nor in `src/ui/**`, nor in `<area>.html`. It works the same in a build
 * and in the development server, because it looks at sources and not at bundles.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { PurgeCSS } from "purgecss";

const PREFIX = "virtual:slds/";
/** Components of the package are drawn by the console, with its style sheet. */
const BESIDE = { console: "../sfdx/force-app/main/default/lwc" };

/** Classes put together at run time (`slds-theme_${variant}`, `slds-icon-standard-${object}`). */
const SAFELIST = {
  standard: [/^slds-theme_(success|error|warning|info)$/, /^slds-hide$/],
  deep: [],
  greedy: [],
};

/** Every name in a source text that could be a class, an element or an attribute. */
const words = (content) => content.match(/[A-Za-z0-9_-]+/g) ?? [];

async function sourcesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter(
      (entry) => entry.isFile() && /\.(tsx?|html|js)$/.test(entry.name) && !/\.test\.\w+$/.test(entry.name),
    )
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

async function purged(root, area) {
  const folder = path.join(root, "node_modules/@salesforce-ux/design-system");
  const file = path.join(folder, "assets/styles/salesforce-lightning-design-system.min.css");
  const sources = [
    ...(await sourcesUnder(path.join(root, "src", area))),
    ...(await sourcesUnder(path.join(root, "src/ui"))),
    ...(area in BESIDE ? await sourcesUnder(path.join(root, BESIDE[area])) : []),
  ];
  const texts = await Promise.all(sources.map((source) => readFile(source, "utf8")));
  const markup = await readFile(path.join(root, `${area}.html`), "utf8").catch(() => "");
  const used = [...new Set(words(texts.join("\n") + markup))].sort();
  const { version } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const key = createHash("sha256")
    .update(`${version}\n${used.filter((word) => word.startsWith("slds-")).join(" ")}\n4`)
    .digest("hex")
    .slice(0, 20);
  const cache = path.join(root, "node_modules/.cache/tieline-slds", `${area}-${key}.css`);
  const cached = await readFile(cache, "utf8").catch(() => null);
  if (cached !== null) return { css: cached, sources };

  const [result] = await new PurgeCSS().purge({
    content: [
      {
        raw: `${used.join(" ")} html body main nav header footer section article aside div span p a button input select textarea label fieldset legend form table thead tbody tr th td ul ol li dl dt dd h1 h2 h3 h4 h5 h6 img svg use iframe abbr hr code pre small strong em b sub sup time`,
        extension: "txt",
      },
    ],
    css: [{ raw: await readFile(file, "utf8") }],
    extractors: [{ extensions: ["txt"], extractor: words }],
    safelist: SAFELIST,
    keyframes: true,
    variables: false,
    rejected: false,
  });
  // Pictures of the design system are not shipped; what would show one shows nothing.
  let css = result.css.replace(/url\(\.\.\/images\/[^)]*\)/g, "none").replace(/^@charset "UTF-8";/, "");
  css = withoutUnusedVariables(css);
  await mkdir(path.dirname(cache), { recursive: true });
  await writeFile(cache, css);
  return { css, sources };
}

/** Drops custom properties that no remaining declaration reads; repeated, because they read each other. */
function withoutUnusedVariables(css) {
  for (;;) {
    const read = new Set([...css.matchAll(/var\(\s*(--[\w-]+)/g)].map((match) => match[1]));
    const next = css.replace(/(?<=[{;])(--slds-[\w-]+):[^;{}]*(;|(?=\}))/g, (whole, name) =>
      read.has(name) ? whole : "",
    );
    if (next.length === css.length) return css;
    css = next;
  }
}

/**
 * Vite plugin that answers `virtual:slds/<area>.css`.
 * @returns {import("vite").Plugin}
 */
export function slds() {
  let root = process.cwd();
  return {
    name: "tieline-slds",
    configResolved(config) {
      root = config.root;
    },
    resolveId(id) {
      return id.startsWith(PREFIX) ? `\0${id}` : null;
    },
    async load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return null;
      const area = id.slice(PREFIX.length + 1).replace(/\.css$/, "");
      const { css, sources } = await purged(root, area);
      for (const source of sources) this.addWatchFile(source);
      return css;
    },
  };
}
