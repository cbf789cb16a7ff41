// Writes web/src/protocol from contract/: run by `make generate`, compared by `make check`.
import { readFileSync, writeFileSync } from "node:fs";
import { compileFromFile } from "json-schema-to-typescript";

const sources = { "../contract/callbar.json": "src/protocol/callbar.ts" };
const check = process.argv.includes("--check");
let stale = 0;
for (const [from, to] of Object.entries(sources)) {
  const text = await compileFromFile(from, {
    additionalProperties: false,
    bannerComment: `/* Generated from ${from.slice(3)} by \`make generate\`. Do not edit. */`,
    style: { semi: false, singleQuote: true, printWidth: 110 },
  });
  let old = "";
  try {
    old = readFileSync(to, "utf8");
  } catch {
    // not yet there
  }
  if (old === text) continue;
  if (check) {
    console.error(`web/${to} is out of date: run \`make generate\` and commit the result`);
    stale = 1;
  } else writeFileSync(to, text);
}
process.exit(stale);
