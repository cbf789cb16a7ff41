/** Set-up's code and words, which only administrators ever need. */
import type { ComponentType } from "react";
import { getI18n } from "react-i18next";
import { language } from "../data/session.ts";

const catalogues = { en: () => import("./locales/en.json"), ja: () => import("./locales/ja.json") };

export async function loadSetup(): Promise<{ default: ComponentType<{ node: string; rest: string[] }> }> {
  const [page, words] = await Promise.all([import("./SetupPage.tsx"), catalogues[language()]()]);
  getI18n().addResourceBundle(language(), "translation", words.default);
  return { default: page.default };
}
