/** The words that docs/article-map.md promises for the portal are those of its catalogues, in both languages. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const read = (...parts: string[]) => readFileSync(path.join(import.meta.dirname, ...parts), "utf8");
const catalogue = (language: string) =>
  JSON.parse(read("locales", `${language}.json`)) as Record<string, string>;
const [ja, en] = [catalogue("ja"), catalogue("en")];

/** Rows of the chapter's table, without its head: Japanese and English, each a word or a path of words. */
const rows = (read("../../../docs/article-map.md").split("## The portal's words")[1]?.split("\n## ")[0] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, , japanese = "", english = ""]) => ({ japanese, english }));
const words = (cell: string) => cell.split(/ → |: /);

test("the map's table is found", () => {
  expect(rows.length).toBeGreaterThan(10);
});

test.each(rows)("$japanese / $english stands on a page", ({ japanese, english }) => {
  const pairs = words(japanese).map((word, at) => [word, words(english)[at]] as const);
  const missing = pairs.filter(
    ([own, other]) => !Object.keys(ja).some((key) => ja[key] === own && en[key] === other),
  );
  expect(missing).toEqual([]);
});
