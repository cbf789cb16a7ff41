import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const SOURCES = path.resolve(import.meta.dirname, "..");

/** Pairs of catalogues: `src/<area>/locales/[<name>.]{en,ja}.json`. */
function catalogues(): { name: string; en: string; ja: string }[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((file) => /[\\/]locales[\\/].*en\.json$/.test(file))
    .map((file) => ({
      name: file,
      en: path.join(SOURCES, file),
      ja: path.join(SOURCES, file.replace(/en\.json$/, "ja.json")),
    }));
}

const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
const blanks = (text: unknown) =>
  [...String(text).matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

describe.each(catalogues())("the catalogue $name", ({ en, ja }) => {
  it("has the same keys in English and Japanese, all of them texts", () => {
    const [english, japanese] = [read(en), read(ja)];
    expect(Object.keys(japanese).sort()).toEqual(Object.keys(english).sort());
    for (const text of [...Object.values(english), ...Object.values(japanese)])
      expect(typeof text).toBe("string");
  });

  it("has the same blanks in both languages", () => {
    const [english, japanese] = [read(en), read(ja)];
    for (const key of Object.keys(english))
      expect([key, blanks(japanese[key])]).toEqual([key, blanks(english[key])]);
  });
});

describe("the words of the console", () => {
  it("are all in its catalogues", () => {
    const known = ["console/locales/en.json", "console/setup/locales/en.json"]
      .map((file) => read(path.join(SOURCES, file)))
      .reduce((all, each) => ({ ...all, ...each }));
    const files = readdirSync(path.join(SOURCES, "console"), { recursive: true, encoding: "utf8" }).filter(
      (file) => /(?<!\.test)\.tsx?$/.test(file),
    );
    const missing = files
      .flatMap((file) => {
        const text = readFileSync(path.join(SOURCES, "console", file), "utf8");
        return [...text.matchAll(/\bt\(\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
      })
      .filter((key) => !(key in known) && !(`${key}_other` in known));
    expect(missing).toEqual([]);
  });
});
