import { describe, expect, it } from "vitest";
import {
  addressOrder,
  familyFirst,
  firstDayOfWeek,
  formatAddress,
  formatClock,
  formatCurrency,
  formatDate,
  formatDateTime,
  formatDuration,
  formatPercent,
  formatPhone,
  inputNumber,
  instantOf,
  localeTag,
  moment,
  monthNames,
  parseDate,
  parseNumber,
  parseTime,
  personName,
  wallClock,
  weekdays,
} from "./format.ts";

const TOKYO = { locale: "ja_JP", timeZone: "Asia/Tokyo" };
const NEW_YORK = { locale: "en_US", timeZone: "America/New_York" };
const BERLIN = { locale: "de_DE", timeZone: "Europe/Berlin" };
const LONDON = { locale: "en_GB", timeZone: "Europe/London" };

describe("values as people read them", () => {
  it("durations have minutes always and hours when needed", () => {
    expect([0, 9, 65, 3600, 36_000 + 61].map(formatDuration)).toEqual([
      "0:00",
      "0:09",
      "1:05",
      "1:00:00",
      "10:01:01",
    ]);
    expect(formatDuration(-3)).toBe("0:00");
  });

  it("moments are shown in the reader's zone", () => {
    const text = "2026-11-22T16:30:00.000+0000";
    expect(moment(text)).toBe(Date.parse("2026-11-22T16:30:00Z"));
    expect(formatDateTime(text, TOKYO)).toBe("2026/11/23 1:30");
    expect(formatDateTime(text, NEW_YORK)).toMatch(/^11\/22\/2026, 11:30\sAM$/);
    expect(formatDateTime("soon", TOKYO)).toBe("");
  });

  it("dates have no zone", () => {
    expect(formatDate("2026-11-22", { ...NEW_YORK, timeZone: "Pacific/Kiritimati" })).toBe("11/22/2026");
    expect(formatDate("2026-11-22", TOKYO)).toBe("2026/11/22");
    expect(formatDate("2026-03-04", TOKYO)).toBe("2026/03/04");
    expect(formatDate("2026-03-04", LONDON)).toBe("04/03/2026");
    expect(formatDate(null, TOKYO)).toBe("");
  });

  it("names are ordered by the language", () => {
    const person = { Name: "Aiko Mori", FirstName: "Aiko", LastName: "Mori" };
    expect(personName(person, "en")).toBe("Aiko Mori");
    expect(personName(person, "ja")).toBe("Mori Aiko");
    expect(personName({ Name: "Acme" }, "ja")).toBe("Acme");
    expect(personName({ LastName: "Mori" }, "en")).toBe("Mori");
  });

  it("a locale or zone nobody knows falls back", () => {
    expect(localeTag("???")).toBe("en-US");
    expect(formatDateTime("2026-11-22T16:30:00Z", { locale: "en_US", timeZone: "Nowhere/Land" })).not.toBe(
      "",
    );
  });
});

describe("numbers", () => {
  it("money has the sign of the locale's country and no decimals that it does not have", () => {
    expect(formatCurrency(1234.5, NEW_YORK)).toBe("$1,234.50");
    expect(formatCurrency(1234, TOKYO)).toMatch(/^[¥￥]1,234$/);
    expect(formatCurrency(1234.5, TOKYO)).toMatch(/^[¥￥]1,234.5$/);
    expect(formatCurrency(-1234.5, BERLIN)).toMatch(/^-1\.234,50\s€$/);
    expect(formatCurrency(1234, NEW_YORK, 0)).toBe("$1,234");
  });

  it("a percentage is what was stored", () => {
    expect(formatPercent(12.5, NEW_YORK)).toBe("12.5%");
    expect(formatPercent(12.5, BERLIN)).toMatch(/^12,5\s%$/);
  });

  it("numbers are read as the locale writes them", () => {
    expect(parseNumber("1,234.5", NEW_YORK)).toBe(1234.5);
    expect(parseNumber("1.234,5", BERLIN)).toBe(1234.5);
    expect(parseNumber("１，２３４", TOKYO)).toBe(1234);
    expect(parseNumber("¥ 1,200", TOKYO)).toBe(1200);
    expect(parseNumber("−5 %", NEW_YORK)).toBe(-5);
    expect(parseNumber("1e3", NEW_YORK)).toBe(1000);
    for (const text of ["", "abc", "1-2", "--1", "1.2.3", "0x10", "Infinity"]) {
      expect([text, parseNumber(text, NEW_YORK)]).toEqual([text, Number.NaN]);
    }
  });

  it("what an input shows is read again as the same number", () => {
    for (const region of [NEW_YORK, TOKYO, BERLIN]) {
      for (const value of [0, -1234567.891, 0.25]) {
        expect(parseNumber(inputNumber(value, region), region)).toBe(value);
      }
    }
  });
});

describe("dates and times as they are typed", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");

  it.each([
    ["3/4/2026", NEW_YORK, "2026-03-04"],
    ["3/4", NEW_YORK, "2026-03-04"],
    ["3/4/26", NEW_YORK, "2026-03-04"],
    ["12/31/70", NEW_YORK, "1970-12-31"],
    ["4/3/2026", LONDON, "2026-03-04"],
    ["4.3.2026", BERLIN, "2026-03-04"],
    ["2026/3/4", TOKYO, "2026-03-04"],
    ["2026年3月4日", TOKYO, "2026-03-04"],
    ["２０２６／３／４", TOKYO, "2026-03-04"],
    ["3/4", TOKYO, "2026-03-04"],
    ["20260304", TOKYO, "2026-03-04"],
    ["2026-03-04", NEW_YORK, "2026-03-04"],
    ["2/29/2028", NEW_YORK, "2028-02-29"],
    ["2/29/2027", NEW_YORK, null],
    ["13/1/2026", NEW_YORK, null],
    ["4", NEW_YORK, null],
    ["tomorrow", NEW_YORK, null],
    ["1/2/3/4", NEW_YORK, null],
    ["", NEW_YORK, null],
  ])("%s", (text, region, expected) => {
    expect(parseDate(text, region, now)).toBe(expected);
  });

  it("what a page shows is read again as the same date", () => {
    for (const region of [NEW_YORK, TOKYO, BERLIN, LONDON]) {
      for (const date of ["2026-01-02", "1999-12-31", "2030-06-15"]) {
        expect([region.locale, parseDate(formatDate(date, region), region, now)]).toEqual([
          region.locale,
          date,
        ]);
      }
    }
  });

  it.each([
    ["9:30", "09:30"],
    ["9:30 PM", "21:30"],
    ["12:05 am", "00:05"],
    ["12 p.m.", "12:00"],
    ["午後3:15", "15:15"],
    ["15時5分", "15:05"],
    ["0930", "09:30"],
    ["930p", "21:30"],
    ["7", "07:00"],
    ["24:00", null],
    ["9:60", null],
    ["13 pm", null],
    ["noon", null],
    ["", null],
  ])("%s o'clock", (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });

  it("a clock's time is a moment in its zone, also on the days when the clock is set", () => {
    expect(instantOf("2026-11-22", "01:30", TOKYO)).toBe("2026-11-21T16:30:00.000Z");
    expect(instantOf("2026-07-01", "09:00", NEW_YORK)).toBe("2026-07-01T13:00:00.000Z");
    expect(instantOf("2026-11-01", "09:00", NEW_YORK)).toBe("2026-11-01T14:00:00.000Z");
    expect(wallClock(Date.parse("2026-11-21T15:00:00Z"), TOKYO)).toEqual({
      date: "2026-11-22",
      time: "00:00",
    });
    expect(instantOf("soon", "09:00", TOKYO)).toBeNull();
  });

  it("weeks begin where the locale begins them", () => {
    expect(["en_US", "ja_JP", "de_DE", "en_GB", "???"].map(firstDayOfWeek)).toEqual([0, 0, 1, 1, 0]);
    expect(weekdays(BERLIN)[0]?.long).toBe("Montag");
    expect(
      weekdays(TOKYO)
        .map((day) => day.short)
        .join(""),
    ).toBe("日月火水木金土");
    expect(monthNames(TOKYO)[11]).toBe("12月");
    expect(formatClock("21:05:00.000Z", TOKYO)).toBe("21:05");
    expect(formatClock("21:05:00.000Z", NEW_YORK)).toMatch(/^9:05\sPM$/);
  });
});

describe("people, places, phones", () => {
  it("family names come first where the locale puts them", () => {
    expect(["ja_JP", "ko_KR", "en_US", "de"].map(familyFirst)).toEqual([true, true, false, false]);
  });

  it("addresses run from the large to the small in Japan, and from the small to the large elsewhere", () => {
    const tokyo = {
      street: "丸の内1-1-1\nパレスビル5F",
      city: "千代田区",
      state: "東京都",
      postalCode: "100-0005",
      country: "日本",
    };
    expect(formatAddress(tokyo, TOKYO)).toEqual([
      "〒100-0005",
      "東京都千代田区丸の内1-1-1",
      "パレスビル5F",
      "日本",
    ]);
    const sf = {
      street: "415 Mission St",
      city: "San Francisco",
      state: "CA",
      postalCode: "94105",
      country: "USA",
    };
    expect(formatAddress(sf, NEW_YORK)).toEqual(["415 Mission St", "San Francisco, CA 94105", "USA"]);
    expect(formatAddress({ ...sf, state: null }, BERLIN)).toEqual([
      "415 Mission St",
      "94105 San Francisco",
      "USA",
    ]);
    expect(formatAddress(sf, TOKYO)[1]).toBe("CA San Francisco 415 Mission St");
    expect(formatAddress({ city: "千代田区" }, TOKYO)).toEqual(["千代田区"]);
    expect(formatAddress({}, TOKYO)).toEqual([]);
    expect(addressOrder("ja_JP")[1]).toBe("postalCode");
    expect(addressOrder("en_US")[0]).toBe("street");
  });

  it.each([
    ["4155550123", NEW_YORK, "(415) 555-0123"],
    ["14155550123", NEW_YORK, "(415) 555-0123"],
    ["24155550123", NEW_YORK, "24155550123"],
    ["+14155550123", NEW_YORK, "+14155550123"],
    ["415.555.0123", NEW_YORK, "415.555.0123"],
    ["09012345678", TOKYO, "090-1234-5678"],
    ["0312345678", TOKYO, "03-1234-5678"],
    ["0120123456", TOKYO, "0120-123-456"],
    ["0451234567", TOKYO, "0451234567"],
    ["4155550123", TOKYO, "4155550123"],
  ])("%s", (number, region, expected) => {
    expect(formatPhone(number, region)).toBe(expected);
  });
});
