/**
 * Values as people read and type them, by locale and time zone. Pure; `now` is handed in where it matters.
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

/** Day, month and year; in Japanese always of two digits, as Salesforce writes them. */
const dayParts = (region: Region): Intl.DateTimeFormatOptions => {
  const width = localeTag(region.locale).startsWith("ja") ? "2-digit" : "numeric";
  return { year: "numeric", month: width, day: width };
};

/** Date and time of a moment, to the minute. */
export function formatDateTime(text: string | null | undefined, region: Region): string {
  const at = moment(text);
  if (at === null) return "";
  return formatter(region, { ...dayParts(region), hour: "numeric", minute: "2-digit" }).format(at);
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
  return formatter({ ...region, timeZone: "UTC" }, dayParts(region)).format(at);
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

/** A time of day without a date, as REST gives it (`09:30:00.000Z`). */
export function formatClock(text: string | null | undefined, region: Region): string {
  const found = /^(\d{2}):(\d{2})/.exec(text ?? "");
  if (found === null) return "";
  const at = Date.UTC(2000, 0, 1, Number(found[1]), Number(found[2]));
  return formatter({ ...region, timeZone: "UTC" }, { hour: "numeric", minute: "2-digit" }).format(at);
}

// -- numbers ---------------------------------------------------------------------------------------------------

export function formatNumber(value: number, region: Region, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(localeTag(region.locale), options).format(value);
}

/** ISO codes by the country of a locale; the org has one currency, whose sign follows the locale. */
const CURRENCIES: Record<string, string> = {
  AU: "AUD",
  BR: "BRL",
  CA: "CAD",
  CH: "CHF",
  CN: "CNY",
  GB: "GBP",
  HK: "HKD",
  IN: "INR",
  JP: "JPY",
  KR: "KRW",
  MX: "MXN",
  NZ: "NZD",
  SG: "SGD",
  TW: "TWD",
  US: "USD",
};
const EURO = new Set("AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split(" "));

function country(locale: string): string {
  try {
    return new Intl.Locale(localeTag(locale)).maximize().region ?? "US";
  } catch {
    return "US";
  }
}

/** An amount of money, with the decimals that it has and at least those that its currency is written with. */
export function formatCurrency(value: number, region: Region, scale = 2): string {
  const at = country(region.locale);
  const currency = EURO.has(at) ? "EUR" : (CURRENCIES[at] ?? "USD");
  const whole = currency === "JPY" || currency === "KRW";
  return formatNumber(value, region, {
    style: "currency",
    currency,
    minimumFractionDigits: whole || scale < 2 ? 0 : 2,
    maximumFractionDigits: Math.max(scale, whole ? 0 : 2),
  });
}

/** A percentage as it is stored: 12.5 is 12.5 %. */
export const formatPercent = (value: number, region: Region, scale = 2): string =>
  formatNumber(value / 100, region, { style: "percent", maximumFractionDigits: scale });

/** Full-width digits and signs as their plain forms. */
const plain = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/[−‐–—]/g, "-")
    .trim();

/** The number that was typed, with the locale's signs for groups and decimals; NaN for none. */
export function parseNumber(text: string, region: Region): number {
  const parts = new Intl.NumberFormat(localeTag(region.locale)).formatToParts(12_345.6);
  const sign = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  const [group, decimal] = [sign("group").normalize("NFKC"), sign("decimal") || "."];
  let rest = plain(text).replace(/[\s%$€£¥₩]/g, "");
  if (group.trim() !== "") rest = rest.replaceAll(group, "");
  if (decimal !== ".") rest = rest.replace(decimal, ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(rest) ? Number(rest) : Number.NaN;
}

/** A number as it stands in an input: the locale's decimals, no groups. */
export const inputNumber = (value: number, region: Region): string =>
  formatNumber(value, region, { useGrouping: false, maximumFractionDigits: 18 });

// -- typing dates and times ------------------------------------------------------------------------------------

type DayPart = "year" | "month" | "day";

function orderOf(region: Region): DayPart[] {
  return formatter({ ...region, timeZone: "UTC" }, dayParts(region))
    .formatToParts(0)
    .map((part) => part.type)
    .filter((type): type is DayPart => type === "year" || type === "month" || type === "day");
}

/**
 * The calendar date that was typed, as `YYYY-MM-DD`; null for none. The locale says which number is what; a year in
 * front is a year everywhere, one that is left out is this one, and two digits mean the hundred years around it.
 */
export function parseDate(text: string, region: Region, now: number): string | null {
  const typed = plain(text).replace(/[.\s]+$/, "");
  const packed = /^(\d{4})(\d{2})(\d{2})$/.exec(typed);
  const numbers =
    packed === null ? typed.split(/[-/.,\s年月日]+/).filter((part) => part !== "") : packed.slice(1);
  if (numbers.length < 2 || numbers.length > 3 || !numbers.every((part) => /^\d{1,4}$/.test(part)))
    return null;
  const thisYear = Number(dayOf(now, region).slice(0, 4));
  let order: DayPart[] = orderOf(region);
  if (numbers.length === 2) order = order.filter((part) => part !== "year");
  else if (numbers[0]?.length === 4) order = ["year", "month", "day"];
  const found = new Map(order.map((part, at) => [part, numbers[at] ?? ""]));
  const typedYear = found.get("year");
  let year = typedYear === undefined ? thisYear : Number(typedYear);
  if (typedYear !== undefined && typedYear.length < 3) {
    year += Math.floor(thisYear / 100) * 100;
    if (year > thisYear + 20) year -= 100;
  }
  const [month, day] = [Number(found.get("month")), Number(found.get("day"))];
  const at = new Date(Date.UTC(2000, month - 1, day));
  at.setUTCFullYear(year, month - 1, day);
  if (year < 1 || at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return null;
  return at.toISOString().slice(0, 10);
}

/** The time of day that was typed, as `HH:MM`; null for none. Knows 24 hours, AM and PM, and 午前 and 午後. */
export function parseTime(text: string): string | null {
  const typed = plain(text).toLowerCase().replaceAll(".", "");
  const found = /^(午前|午後|am|pm)?\s*(\d{1,2})(?:[:時h]\s*(\d{1,2})?分?)?\s*(am|pm|a|p)?$/.exec(
    typed.replace(/^(\d{1,2})(\d{2})(?=\s*([ap]m?)?$)/, "$1:$2"),
  );
  if (found === null) return null;
  const [, before, hourText, minuteText = "0", after] = found;
  const half = before ?? after;
  let hour = Number(hourText);
  const minute = Number(minuteText);
  if (half !== undefined) {
    if (hour > 12) return null;
    hour = (hour % 12) + (half === "午後" || half.startsWith("p") ? 12 : 0);
  }
  if (hour > 23 || minute > 59) return null;
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/** Date (`YYYY-MM-DD`) and time (`HH:MM`) of a moment on the clock of the time zone. */
export function wallClock(at: number, region: Region): { date: string; time: string } {
  const time = formatter(
    { ...region, locale: "sv-SE" },
    { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  ).format(at);
  return { date: dayOf(at, region), time };
}

/** The moment at which the clock of the time zone shows that date and time, as ISO text. */
export function instantOf(date: string, time: string, region: Region): string | null {
  const wanted = Date.parse(`${date}T${time}:00Z`);
  if (Number.isNaN(wanted)) return null;
  let guess = wanted;
  // Twice, because the offset may change between the first guess and the answer.
  for (let round = 0; round < 2; round += 1) {
    const shown = wallClock(guess, region);
    guess += wanted - Date.parse(`${shown.date}T${shown.time}:00Z`);
  }
  return new Date(guess).toISOString();
}

/** The day on which weeks begin: 0 is Sunday. */
export function firstDayOfWeek(locale: string): number {
  interface Weeks {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  }
  try {
    const known = new Intl.Locale(localeTag(locale)) as Intl.Locale & Weeks;
    return ((known.getWeekInfo?.() ?? known.weekInfo)?.firstDay ?? 7) % 7;
  } catch {
    return 0;
  }
}

/** Names of the weekdays from the first day of the week on, short and whole. */
export function weekdays(region: Region): { short: string; long: string }[] {
  const utc = { ...region, timeZone: "UTC" };
  const first = firstDayOfWeek(region.locale);
  return Array.from({ length: 7 }, (_, at) => {
    // The fourth of January 1970 was a Sunday.
    const day = Date.UTC(1970, 0, 4 + first + at);
    return {
      short: formatter(utc, { weekday: "short" }).format(day),
      long: formatter(utc, { weekday: "long" }).format(day),
    };
  });
}

/** Names of the months, January first. */
export function monthNames(region: Region): string[] {
  const format = formatter({ ...region, timeZone: "UTC" }, { month: "long" });
  return Array.from({ length: 12 }, (_, month) => format.format(Date.UTC(2000, month, 1)));
}

/** A calendar date in full (`Wednesday, November 25, 2026`), for those who hear it. */
export function spokenDate(date: string, region: Region): string {
  const at = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(at)) return "";
  return formatter(
    { ...region, timeZone: "UTC" },
    { year: "numeric", month: "long", day: "numeric", weekday: "long" },
  ).format(at);
}

// -- people, places, phones ------------------------------------------------------------------------------------

/** True where a person's family name comes first. */
export const familyFirst = (locale: string): boolean => /^(ja|zh|ko|hu|vi)\b/.test(localeTag(locale));

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

export interface Address {
  street?: string | null;
  city?: string | null;
  state?: string | null;
  postalCode?: string | null;
  country?: string | null;
}
export type AddressPart = keyof Address;

/** The parts of an address in the order in which they are typed. */
export function addressOrder(locale: string): AddressPart[] {
  return familyFirst(locale) && !localeTag(locale).startsWith("vi")
    ? ["country", "postalCode", "state", "city", "street"]
    : ["street", "city", "state", "postalCode", "country"];
}

/** The lines of an address: in Japanese from the large to the small behind 〒, elsewhere from the small to the large. */
export function formatAddress(address: Address, region: Region): string[] {
  const part = (name: AddressPart) => address[name]?.trim() ?? "";
  const joined = (names: string[], between: string) => names.filter((text) => text !== "").join(between);
  const street = part("street").split(/\r?\n/);
  const tag = localeTag(region.locale);
  let lines: string[];
  if (tag.startsWith("ja")) {
    const [first = "", ...more] = street;
    const latin = /[A-Za-z]$/.test(part("state") + part("city"));
    const place = joined([part("state"), part("city"), first], latin ? " " : "");
    lines = [
      part("postalCode") && `〒${part("postalCode").replace(/^〒\s*/, "")}`,
      place,
      ...more,
      part("country"),
    ];
  } else if (/^(zh|ko)\b/.test(tag)) {
    lines = [part("country"), joined([part("state"), part("city"), part("postalCode")], " "), ...street];
  } else if (/^en\b/.test(tag)) {
    lines = [
      ...street,
      joined([part("city"), joined([part("state"), part("postalCode")], " ")], ", "),
      part("country"),
    ];
  } else {
    lines = [...street, joined([part("postalCode"), part("city"), part("state")], " "), part("country")];
  }
  return lines.filter((line) => line !== "");
}

/**
 * A telephone number as the locale writes it. Only bare digits whose grouping is certain are grouped: whatever
 * somebody typed with signs stays as it is.
 */
export function formatPhone(number: string, region: Region): string {
  const at = country(region.locale);
  const digits = number.trim();
  if (!/^\d{10,11}$/.test(digits)) return number;
  if (at === "US" || at === "CA") {
    return digits.replace(
      /^1?(\d{3})(\d{3})(\d{4})$/,
      (whole, area: string, exchange: string, line: string) =>
        digits.length === 11 && !digits.startsWith("1") ? whole : `(${area}) ${exchange}-${line}`,
    );
  }
  if (at === "JP") {
    const groups =
      /^(0[5789]0)(\d{4})(\d{4})$/.exec(digits) ??
      /^(0120|0570|0800)(\d{3})(\d{3})$/.exec(digits) ??
      /^(0[36])(\d{4})(\d{4})$/.exec(digits);
    return groups === null ? number : groups.slice(1).join("-");
  }
  return number;
}
