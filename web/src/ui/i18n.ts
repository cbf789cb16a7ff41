/**
 * Words on screens: one small i18next set-up for every area.
 *
 * Catalogues are flat JSON files `src/<area>/locales/{en,ja}.json` with the same keys in both; each is a
 * chunk of its own, so that a page loads only the language that it shows. Plural forms use i18next's
 * suffixes (`key_one`, `key_other`); Japanese has both so that the key sets stay equal.
 */
import i18next, { type FormatterModule, type i18n } from "i18next";
import { initReactI18next } from "react-i18next";

export type Language = "en" | "ja";
export type Catalogue = Record<string, string>;
export type Catalogues = Record<Language, () => Promise<{ default: Catalogue }>>;

/** The language of a Salesforce language code or browser tag (`ja`, `ja-JP`, `en_US`); English is the default. */
export function languageOf(tag: string | null | undefined): Language {
  return tag?.toLowerCase().startsWith("ja") ? "ja" : "en";
}

/** A number in a sentence is written as its language does (12,345), whoever passes it; all else stays as it is. */
const numbers: FormatterModule = {
  type: "formatter",
  init: () => undefined,
  add: () => undefined,
  addCached: () => undefined,
  format: (value: unknown, _format, tag) =>
    typeof value === "number" ? new Intl.NumberFormat(tag).format(value) : (value as string),
};

/**
 * Makes the i18next instance of a page and sets `<html lang>`.
 * Use it with react-i18next's `useTranslation()`; interpolation is not escaped, because React escapes.
 */
export async function createI18n(catalogues: Catalogues | Catalogues[], language: Language): Promise<i18n> {
  const parts = await Promise.all([catalogues].flat().map((each) => each[language]()));
  const instance = i18next.createInstance();
  await instance
    .use(initReactI18next)
    .use(numbers)
    .init({
      lng: language,
      fallbackLng: false,
      resources: {
        [language]: { translation: Object.assign({}, ...parts.map((part) => part.default)) as Catalogue },
      },
      keySeparator: false,
      nsSeparator: false,
      interpolation: { escapeValue: false, alwaysFormat: true },
      react: { useSuspense: false },
    });
  document.documentElement.lang = language;
  return instance;
}
