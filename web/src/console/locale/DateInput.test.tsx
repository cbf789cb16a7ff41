// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { useState } from "react";
import { I18nextProvider } from "react-i18next";
import { afterEach, expect, test, vi } from "vitest";
import { createI18n, type Language } from "../../ui/i18n.ts";
import en from "../locales/en.json";
import ja from "../locales/ja.json";
import { startSession } from "../data/session.ts";
import { DateInput, DateTimeInput } from "./DateInput.tsx";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const USERS = {
  en: { language: "en_US", locale: "en_US", time_zone: "America/New_York" },
  ja: { language: "ja", locale: "ja_JP", time_zone: "Asia/Tokyo" },
  de: { language: "en_US", locale: "de_DE", time_zone: "Europe/Berlin" },
};

/** An input for a user, and every value that it handed on. */
async function shown(who: keyof typeof USERS, kind: "date" | "datetime", value: string) {
  const user = USERS[who];
  const answer = JSON.stringify({ csrf_token: "x", user });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(answer)));
  await startSession();
  const language: Language = user.language === "ja" ? "ja" : "en";
  const i18n = await createI18n(
    { en: () => Promise.resolve({ default: en }), ja: () => Promise.resolve({ default: ja }) },
    language,
  );
  const given: (string | null)[] = [];
  function Form() {
    const [current, setCurrent] = useState<string | null>(value);
    const onChange = (next: string | null) => {
      given.push(next);
      setCurrent(next);
    };
    return (
      <>
        <label htmlFor="field">Field</label>
        {kind === "date" ? (
          <DateInput id="field" value={current ?? ""} onChange={onChange} />
        ) : (
          <DateTimeInput id="field" label="Field" value={current ?? ""} onChange={onChange} />
        )}
      </>
    );
  }
  render(
    <I18nextProvider i18n={i18n}>
      <Form />
    </I18nextProvider>,
  );
  return given;
}

const input = (name = "Field") => screen.getByLabelText<HTMLInputElement>(name);

function type(text: string, name?: string) {
  fireEvent.change(input(name), { target: { value: text } });
}

test("a date is read and written as the locale does", async () => {
  const given = await shown("de", "date", "2026-11-25");
  expect(input().value).toBe("25.11.2026");
  type("4.3.2026");
  expect(given.at(-1)).toBe("2026-03-04");
  expect(input().value).toBe("4.3.2026");
  fireEvent.blur(input());
  expect(input().value).toBe("4.3.2026");
  type("31.2.2026");
  expect(given.at(-1)).toBe("31.2.2026");
  type("");
  expect(given.at(-1)).toBe("");
});

test("the calendar is walked by keys and gives the day that was chosen", async () => {
  const given = await shown("en", "date", "2026-11-25");
  fireEvent.click(screen.getByRole("button", { name: en["date.open"] }));
  const calendar = screen.getByRole("dialog", { name: "November" });
  const day = (name: string) => within(calendar).getByRole("button", { name });
  expect(document.activeElement).toBe(day("Wednesday, November 25, 2026"));
  for (const key of ["ArrowRight", "ArrowDown", "Home", "PageDown", "ArrowLeft"]) {
    fireEvent.keyDown(document.activeElement ?? calendar, { key });
  }
  // Nov 26, Dec 3, the Sunday before (Nov 29), a month on (Dec 29), the day before.
  expect(document.activeElement).toBe(day("Monday, December 28, 2026"));
  fireEvent.click(day("Monday, December 28, 2026"));
  expect(given).toEqual(["2026-12-28"]);
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(document.activeElement).toBe(input());
});

test("Escape leaves the calendar and nothing else", async () => {
  const given = await shown("ja", "date", "");
  const outer = vi.fn();
  document.addEventListener("keydown", outer);
  fireEvent.keyDown(input(), { key: "ArrowDown", altKey: true });
  const calendar = screen.getByRole("dialog");
  expect(within(calendar).getAllByRole("columnheader").map((each) => each.textContent)).toEqual([
    "日", "月", "火", "水", "木", "金", "土",
  ]); // prettier-ignore
  outer.mockClear();
  fireEvent.keyDown(document.activeElement ?? calendar, { key: "Escape" });
  document.removeEventListener("keydown", outer);
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(given).toEqual([]);
});

test("a moment is shown and typed on the clock of the user's zone", async () => {
  const given = await shown("ja", "datetime", "2026-11-21T16:30:00.000+0000");
  expect(input().value).toBe("2026/11/22");
  expect(input("Field 時刻").value).toBe("1:30");
  type("午後3:15", "Field 時刻");
  expect(given.at(-1)).toBe("2026-11-22T06:15:00.000Z");
  type("2026/12/1");
  expect(given.at(-1)).toBe("2026-12-01T06:15:00.000Z");
  type("later", "Field 時刻");
  expect(given.at(-1)).toBe("2026-12-01 later");
});
