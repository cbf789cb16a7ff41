import i18next, { type TFunction } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import en from "../locales/en.json";
import ja from "../locales/ja.json";
import type { Activity } from "../data/types.ts";
import { callSummary, directionOf, dueOf, kindOf, months, when } from "./timeline.ts";

const TOKYO = { locale: "ja_JP", timeZone: "Asia/Tokyo" };
const LOS_ANGELES = { locale: "en_US", timeZone: "America/Los_Angeles" };

let english: TFunction;
let japanese: TFunction;

beforeAll(async () => {
  const i18n = i18next.createInstance();
  await i18n.init({
    resources: { en: { translation: en }, ja: { translation: ja } },
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
  });
  english = i18n.getFixedT("en");
  japanese = i18n.getFixedT("ja");
});

function anActivity(values: Partial<Activity> = {}): Activity {
  return {
    Id: "00T000000000001AAA",
    Subject: "Call",
    CreatedDate: "2026-11-22T04:55:00.000+0000",
    CallType: "Inbound",
    CallDurationInSeconds: 185,
    CallDisposition: "Resolved",
    ...values,
  };
}

describe("a call in the timeline", () => {
  it("says direction, duration and disposition, as far as they are known", () => {
    expect(callSummary(anActivity(), english)).toBe("Inbound call · 3:05 · Resolved");
    expect(callSummary(anActivity({ CallType: "Outbound", CallDurationInSeconds: 3725 }), japanese)).toBe(
      "発信 · 1:02:05 · Resolved",
    );
    expect(
      callSummary(
        anActivity({ CallType: null, CallDurationInSeconds: null, CallDisposition: null }),
        english,
      ),
    ).toBe("Call");
    expect(callSummary(anActivity({ CallDurationInSeconds: 0, CallDisposition: "" }), english)).toBe(
      "Inbound call · 0:00",
    );
  });

  it("tells calls from tasks and events", () => {
    expect(kindOf(anActivity())).toBe("call");
    expect(kindOf(anActivity({ CallType: null, TaskSubtype: "Call" }))).toBe("call");
    expect(kindOf(anActivity({ CallType: null, TaskSubtype: "Task" }))).toBe("task");
    expect(kindOf(anActivity({ CallType: null, StartDateTime: "2026-11-22T04:55:00Z" }))).toBe("event");
    expect(directionOf(anActivity({ CallType: "Something" }))).toBeNull();
  });
});

describe("the day of an activity", () => {
  const now = Date.parse("2026-11-22T16:00:00Z");

  it("is today or yesterday by the reader's time zone", () => {
    // 04:55 UTC is the 22nd in Tokyo and still the 21st in Los Angeles; there `now` is the 22nd, here the 23rd.
    expect(when(anActivity(), now, LOS_ANGELES, english)).toMatch(/^8:55\sPM \| Yesterday$/);
    expect(when(anActivity(), now, TOKYO, japanese)).toBe("13:55 | 昨日");
    expect(when(anActivity({ CreatedDate: "2026-11-22T15:30:00Z" }), now, TOKYO, japanese)).toBe(
      "0:30 | 今日",
    );
  });

  it("is a date when it was earlier", () => {
    expect(when(anActivity({ CreatedDate: "2026-10-03T18:00:00Z" }), now, LOS_ANGELES, english)).toMatch(
      /^11:00\sAM \| Oct 3$/,
    );
    expect(when(anActivity({ CreatedDate: "" }), now, TOKYO, japanese)).toBe("");
  });
});

describe("what is to come", () => {
  const now = Date.parse("2026-11-22T16:00:00Z");
  it("is overdue from the day after, by the reader's time zone", () => {
    // `now` is the 22nd in Los Angeles and the 23rd in Tokyo.
    const task = anActivity({ CallType: null, ActivityDate: "2026-11-22" });
    expect(dueOf(task, now, LOS_ANGELES, english)).toEqual({ text: "Today", overdue: false });
    expect(dueOf(task, now, TOKYO, japanese)).toEqual({ text: "昨日", overdue: true });
    expect(dueOf(anActivity({ ActivityDate: null }), now, TOKYO, english)).toEqual({
      text: "No due date",
      overdue: false,
    });
  });

  it("begins at a time when it is an appointment", () => {
    const event = anActivity({ StartDateTime: "2026-11-24T01:30:00Z" });
    expect(dueOf(event, now, TOKYO, japanese)).toEqual({ text: "10:30 | 明日", overdue: false });
  });
});

describe("months", () => {
  it("group newest first, and know this month and the last across a new year", () => {
    const now = Date.parse("2027-01-05T00:00:00Z");
    const groups = months(
      [
        anActivity({ Id: "a", CreatedDate: "2026-12-31T14:59:00Z" }),
        anActivity({ Id: "b", CreatedDate: "2026-12-31T15:01:00Z" }),
        anActivity({ Id: "c", CreatedDate: "2026-03-01T00:00:00Z" }),
        anActivity({ Id: "d", CreatedDate: "2027-01-04T00:00:00Z" }),
      ],
      now,
      TOKYO,
    );
    expect(
      groups.map((month) => [month.key, month.relative, month.activities.map((each) => each.Id)]),
    ).toEqual([
      ["2027-01", "this", ["d", "b"]],
      ["2026-12", "last", ["a"]],
      ["2026-03", null, ["c"]],
    ]);
    expect(groups[0]?.label).toBe("2027年1月");
  });
});
