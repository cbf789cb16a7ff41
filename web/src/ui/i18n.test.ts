// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { createI18n } from "./i18n.ts";

it("writes a number in a sentence as the language does, and nothing else of it otherwise", async () => {
  const catalogue = {
    "seats.of_one": "{{count}} seat of {{owner}}",
    "seats.of_other": "{{count}} seats of {{owner}}",
  };
  const catalogues = {
    en: () => Promise.resolve({ default: catalogue }),
    ja: () => Promise.resolve({ default: catalogue }),
  };
  const { t } = await createI18n(catalogues, "en");
  expect(t("seats.of", { count: 50_000, owner: "12345" })).toBe("50,000 seats of 12345");
  expect(t("seats.of", { count: 1, owner: "Acme & Sons" })).toBe("1 seat of Acme & Sons");
});
