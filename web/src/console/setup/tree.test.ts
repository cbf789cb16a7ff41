import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { PAGES, pruned, quickFind, TREE, type Wording } from "./tree.ts";

function wording(language: "en" | "ja"): Wording {
  const file = path.join(import.meta.dirname, "locales", `${language}.json`);
  const words = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  const word = (key: string) => {
    const found = words[key];
    if (found === undefined) throw new Error(`no word for ${key}`);
    return found;
  };
  return {
    page: (key) => word(`tree.page.${key}`),
    group: (key) => word(`tree.group.${key}`),
    more: (key) => word(`tree.words.${key}`),
  };
}

test.each(["en", "ja"] as const)("every page and group has its words (%s)", (language) => {
  expect(quickFind("", wording(language))).toEqual([...PAGES.keys()]);
});

test.each([
  ["インストール済みパッケージ", "ImportedPackage"],
  ["アプリ、パッケージ、インストール済みパッケージ", "ImportedPackage"],
  ["アプリ マネージャー", "NavigationMenus"],
  ["ユーティリティ項目", "NavigationMenus"],
  ["コールセンター", "CallCenters"],
  ["コンタクト センター", "CallCenters"],
  ["ソフトフォンのレイアウト", "SoftphoneLayouts"],
  ["画面ポップ設定", "SoftphoneLayouts"],
  ["ｿﾌﾄﾌｫﾝ", "SoftphoneLayouts"],
  ["権限セット", "PermSets"],
  ["オムニチャネル", "OmniChannelSettings"],
])("the article's word %s finds its page", (text, page) => {
  expect(quickFind(text, wording("ja"))).toContain(page);
});

test.each([
  ["call cent", "CallCenters"],
  ["softphone", "SoftphoneLayouts"],
  ["SCREEN POP", "SoftphoneLayouts"],
  ["utility items", "NavigationMenus"],
  ["uninstall", "ImportedPackage"],
  ["audit", "SecurityEvents"],
])("the word %s finds its page", (text, page) => {
  expect(quickFind(text, wording("en"))).toContain(page);
});

test("a text that nothing holds finds nothing", () => {
  expect(quickFind("zzz", wording("en"))).toEqual([]);
});

test("groups without a found page are left out", () => {
  const left = pruned(TREE, new Set(["CallCenters"]));
  expect(JSON.stringify(left)).not.toContain("SoftphoneLayouts");
  expect(JSON.stringify(left)).toContain('"callCenter"');
});
