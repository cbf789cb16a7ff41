/**
 * Values as people read them, by locale and time zone. Pure; `now` is handed in where it matters.
 * Locales come as Salesforce writes them (`ja_JP`, `en_US`) or as BCP 47 tags.
 */

/** The BCP 47 tag of a Salesforce locale; `en-US` when it is none. */
export function localeTag(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale.replaceAll("_", "-"))[0] ?? "en-US";
  } catch {
    return "en-US";
  }
}

/** Where values are shown: locale, and time zone (IANA name). */
export interface Region {
  locale: string;
  timeZone: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatter(region: Region, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${region.locale}|${region.timeZone}|${JSON.stringify(options)}`;
  let known = formats.get(key);
  if (known === undefined) {
    const locale = localeTag(region.locale);
    try {
      known = new Intl.DateTimeFormat(locale, { timeZone: region.timeZone, ...options });
    } catch {
      known = new Intl.DateTimeFormat(locale, options);
    }
    formats.set(key, known);
  }
  return known;
}

/** A moment (ISO text as REST gives it, also `+0000`) as milliseconds; null when it is none. */
export function moment(text: string | null | undefined): number | null {
  if (!text) return null;
  const value = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, "$1:$2"));
  return Number.isNaN(value) ? null : value;
}

/** Date and time of a moment, to the minute. */
export function formatDateTime(text: string | null | undefined, region: Region): string {
  const at = moment(text);
  if (at === null) return "";
  return formatter(region, {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }).format(at);
}

/** Time of day of a moment. */
export function formatTime(text: string | null | undefined, region: Region): string {
  const at = moment(text);
  return at === null ? "" : formatter(region, { hour: "numeric", minute: "2-digit" }).format(at);
}

/** A calendar date (`2026-11-22`), which has no time zone. */
export function formatDate(text: string | null | undefined, region: Region): string {
  if (!text || !/^\d{4}-\d{2}-\d{2}/.test(text)) return "";
  const at = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at)) return "";
  return formatter(
    { ...region, timeZone: "UTC" },
    { year: "numeric", month: "numeric", day: "numeric" },
  ).format(at);
}

/** The calendar day of a moment in the time zone, as `YYYY-MM-DD`. */
export function dayOf(at: number, region: Region): string {
  return formatter(
    { ...region, locale: "sv-SE" },
    { year: "numeric", month: "2-digit", day: "2-digit" },
  ).format(at);
}

/** Month and year of a moment, as a heading. */
export function formatMonth(at: number, region: Region): string {
  return formatter(region, { year: "numeric", month: "long" }).format(at);
}

/** Month and day of a moment. */
export function formatDay(at: number, region: Region): string {
  return formatter(region, { month: "short", day: "numeric" }).format(at);
}

/** A duration in whole seconds as `1:05` or `1:02:03`; spoken forms are the catalogues' matter. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function formatNumber(value: number, region: Region, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(localeTag(region.locale), options).format(value);
}

export interface PersonName {
  Name?: string | null;
  FirstName?: string | null;
  LastName?: string | null;
}

/** The name of a person as the language orders it: `First Last`, in Japanese `Last First`. */
export function personName(person: PersonName, language: "en" | "ja"): string {
  const { FirstName: first, LastName: last } = person;
  if (!first || !last) return person.Name ?? last ?? first ?? "";
  return language === "ja" ? `${last} ${first}` : `${first} ${last}`;
}
