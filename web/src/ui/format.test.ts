import { describe, expect, it } from "vitest";
import { formatDate, formatDateTime, formatDuration, localeTag, moment, personName } from "./format.ts";

const TOKYO = { locale: "ja_JP", timeZone: "Asia/Tokyo" };
const NEW_YORK = { locale: "en_US", timeZone: "America/New_York" };

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
