/** The activity timeline as text and groups. Pure: words come from the catalogue by `t`. */
import type { TFunction } from "i18next";
import {
  dayOf,
  formatDate,
  formatDay,
  formatDuration,
  formatMonth,
  formatTime,
  moment,
  type Region,
} from "../../ui/format.ts";
import type { Activity } from "../data/types.ts";

export interface Month {
  key: string;
  label: string;
  /** How far back: `this`, `last`, or none. */
  relative: "this" | "last" | null;
  activities: Activity[];
}

/** When an activity happened: its creation, which for calls is when they were logged. */
const happenedAt = (activity: Activity): number => moment(activity.CreatedDate) ?? 0;

/** Newest first, by calendar month of the time zone. */
export function months(activities: Activity[], now: number, region: Region): Month[] {
  const groups = new Map<string, Month>();
  const current = monthOf(now, region);
  const last = monthBefore(current);
  for (const activity of [...activities].sort((one, other) => happenedAt(other) - happenedAt(one))) {
    const at = happenedAt(activity);
    const key = monthOf(at, region);
    let group = groups.get(key);
    if (group === undefined) {
      const relative = key === current ? "this" : key === last ? "last" : null;
      group = { key, label: formatMonth(at, region), relative, activities: [] };
      groups.set(key, group);
    }
    group.activities.push(activity);
  }
  return [...groups.values()];
}

const monthOf = (at: number, region: Region): string => dayOf(at, region).slice(0, 7);

function monthBefore(month: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, "0")}`;
}

/** `10:05 | Today`, `18:30 | Nov 3`. */
export function when(activity: Activity, now: number, region: Region, t: TFunction): string {
  const at = happenedAt(activity);
  if (at === 0) return "";
  const day = dayOf(at, region);
  const named =
    day === dayOf(now, region)
      ? t("timeline.today")
      : day === dayOf(now - 86_400_000, region)
        ? t("timeline.yesterday")
        : formatDay(at, region);
  return t("timeline.when", { time: formatTime(activity.CreatedDate, region), day: named });
}

/** When an activity to come is due, in words, and whether that has passed. */
export function dueOf(
  activity: Activity,
  now: number,
  region: Region,
  t: TFunction,
): { text: string; overdue: boolean } {
  const begins = activity["StartDateTime"];
  if (typeof begins === "string") {
    const at = moment(begins) ?? 0;
    return {
      text: t("timeline.when", {
        time: formatTime(begins, region),
        day: dayName(dayOf(at, region), now, region, t),
      }),
      overdue: false,
    };
  }
  const date = activity["ActivityDate"];
  if (typeof date !== "string") return { text: t("activity.undated"), overdue: false };
  const today = dayOf(now, region);
  return { text: dayName(date, now, region, t), overdue: date < today };
}

const DAY_MS = 86_400_000;

function dayName(day: string, now: number, region: Region, t: TFunction): string {
  if (day === dayOf(now, region)) return t("timeline.today");
  if (day === dayOf(now - DAY_MS, region)) return t("timeline.yesterday");
  if (day === dayOf(now + DAY_MS, region)) return t("timeline.tomorrow");
  return formatDate(day, region);
}

export type Kind = "call" | "event" | "task";

export function kindOf(activity: Activity): Kind {
  const subtype = activity["TaskSubtype"];
  if (subtype === "Call" || activity["Type"] === "Call" || typeof activity["CallType"] === "string")
    return "call";
  return typeof activity["StartDateTime"] === "string" ? "event" : "task";
}

export type Direction = "inbound" | "outbound" | "internal" | null;

export function directionOf(activity: Activity): Direction {
  switch (activity["CallType"]) {
    case "Inbound":
      return "inbound";
    case "Outbound":
      return "outbound";
    case "Internal":
      return "internal";
    default:
      return null;
  }
}

/** `Inbound call · 3:05 · Resolved`: direction, duration and disposition, as far as they are known. */
export function callSummary(activity: Activity, t: TFunction): string {
  const direction = directionOf(activity);
  const seconds = activity["CallDurationInSeconds"];
  const disposition = activity["CallDisposition"];
  return [
    direction === null ? t("timeline.call") : t(`timeline.${direction}`),
    typeof seconds === "number" ? formatDuration(seconds) : "",
    typeof disposition === "string" ? disposition : "",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}
